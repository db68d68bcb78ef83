"""Explain any PyTorch network, from a tape of the operations that it really ran.

``recording`` runs a network and writes the ``tape``; ``replay`` runs it again in float64; ``walk``
takes it backwards, operation by operation (``operations``, ``affine``, ``attention``, ``moves``);
``places`` finds where tracks send each other messages, ``edges`` what those carried; ``inputs``
says what a network is given, ``network`` and ``explaining`` put it together, ``report`` tells.
"""
