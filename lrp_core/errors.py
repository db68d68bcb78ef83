"""The exceptions of jetlrp. Every message says what was found, what was expected and what to do.

JetlrpError                 anything this project raises on purpose
├── JetFileError            a file of jets cannot be read, or lacks a branch
│   ├── SourceError         the network or the disk that it is on fails, which may pass
│   ├── TreeError           which of its trees holds the jets is not known
│   └── ColumnsError        which of its branches hold the tracks is not known
├── JetError                one jet cannot be used (no tracks, non-finite values, a bad graph)
│   ├── JetIndexError       there is no jet of that number
│   └── TruthError          the truth of a simulated jet is missing or does not fit
├── CheckpointError         a checkpoint cannot be loaded
├── DefinitionsError        a definitions file does not describe the checkpoint
├── RuleError               a rule or a composite of rules is not possible
├── TargetError             an output to explain that the network does not have
├── NetworkError            a network cannot be followed, or says its steps wrongly
├── PropagationError        relevance met an output that is exactly zero, or overflowed
├── ExplanationError        an explanation has not what was asked of it
├── ExplanationFileError    a saved explanation cannot be read
├── RelevanceFileError      a file of many jets' relevance cannot be written or read
├── FigureError             a view cannot be read, or a figure cannot be drawn as wanted
├── SimulationError         jets cannot be made
├── TrainingError           a network cannot be trained or measured with what was given
├── OutsideError            a name leads out of the folder that it is looked up in
└── SettingsError           a setting has a value that is not possible
"""

from __future__ import annotations


class Told(str):
    """Words that name an argument as Python has it; ``command`` has the option of the command line.

    Both are written where the words are, so that a command needs to know nothing of them. Put
    together with ``told``: an f-string makes plain text of it, which has the words for Python only.
    """

    command: str

    def __new__(cls, python: str, command: str) -> Told:
        words = super().__new__(cls, python)
        words.command = command
        return words


def told(*parts: str) -> Told:
    """Several parts as one text, each in either form."""
    return Told("".join(parts), "".join(in_command(part) for part in parts))


def in_command(words: str) -> str:
    """Words as they are said on the command line."""
    return words.command if isinstance(words, Told) else words


class JetlrpError(Exception):
    """Base of all errors that jetlrp raises on purpose; the message may be ``Told``."""

    @property
    def words(self) -> str:
        """The message with both its forms, to be put into another one by ``told``."""
        first = self.args[0] if self.args else ""
        return first if isinstance(first, Told) else str(self)

    @property
    def command(self) -> str:
        """The message as it is said on the command line."""
        return in_command(self.words)


class JetFileError(JetlrpError):
    """A file of jets cannot be opened or read, or it lacks something that was asked for."""


class SourceError(JetFileError):
    """What a file is on, a network or a disk, fails at the moment: no word about its jets."""


class TreeError(JetFileError):
    """A file has other trees than the one that is meant; ``trees`` are there."""

    def __init__(self, message: str, trees: list[str]) -> None:
        super().__init__(message)
        self.trees = trees


class ColumnsError(JetFileError):
    """A tree has other branches than those that are meant; ``lists`` of numbers are there."""

    def __init__(self, message: str, lists: list[str]) -> None:
        super().__init__(message)
        self.lists = lists


class JetError(JetlrpError):
    """One jet cannot be used: it has no tracks, a non-finite value or an impossible graph."""


class JetIndexError(JetError, IndexError):
    """There is no jet of that number; also an ``IndexError``, so that a sequence of jets ends."""


class TruthError(JetError):
    """A jet has no truth of a simulation, or one that does not fit its tracks."""


class CheckpointError(JetlrpError):
    """A checkpoint cannot be loaded into the network."""


class DefinitionsError(JetlrpError):
    """A definitions file does not name the columns or the classes of the checkpoint."""


class RuleError(JetlrpError):
    """A rule of relevance propagation has an impossible parameter, or nobody knows its name."""


class TargetError(JetlrpError):
    """The network has no such output to explain."""


class NetworkError(JetlrpError):
    """A network cannot be followed, is not told its arguments, or its steps are not its own."""


class PropagationError(JetlrpError):
    """Relevance cannot be shared out: it stands on an output of exactly zero, or overflowed."""


class ExplanationError(JetlrpError):
    """An explanation has not what was asked of it, because less was asked for at first."""


class ExplanationFileError(JetlrpError):
    """A saved explanation cannot be read back."""


class RelevanceFileError(JetlrpError):
    """A file of many jets' relevance cannot be written or read, or is of another run."""


class OutsideError(JetlrpError):
    """A name of a file leads out of its folder, or is no name of a file at all."""


class FigureError(JetlrpError):
    """A view of a figure cannot be read, or what it asks for cannot be drawn."""


class SettingsError(JetlrpError):
    """A setting has a value that is not possible."""


class SimulationError(JetlrpError):
    """Jets cannot be made: an extra is missing, or the generator does not do what was asked."""


class TrainingError(JetlrpError):
    """A network cannot be trained, or measured, with the jets or settings that were given."""
