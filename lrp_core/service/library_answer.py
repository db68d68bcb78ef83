"""The library as it is told: every file and every network, with what is known of it."""

from __future__ import annotations

from contextlib import suppress

from lrp_core.service.library import Entry, JetsFacts, ModelFacts
from lrp_core.service.problems import Problem
from lrp_core.service.schemas import AucInfo, Library, LibraryFile, LibraryModel
from lrp_core.service.studies import Studies


def library_answer(studies: Studies, person: str) -> Library:
    """Everything that a person can choose from, looked up now."""
    listing = studies.listing(person)
    file = model = None
    with suppress(Problem):
        file, model = studies.usual(person)
    return Library(
        file=file,
        model=model,
        files=[_file(entry, studies, listing.models) for entry in listing.jets],
        models=[_model(entry) for entry in listing.models],
    )


def _file(entry: Entry, studies: Studies, models: list[Entry]) -> LibraryFile:
    facts = entry.facts if isinstance(entry.facts, JetsFacts) else None
    areas = [(model.name, studies.auc(entry, model)) for model in models]
    return LibraryFile(
        name=entry.name,
        origin=entry.origin,
        n_bytes=entry.n_bytes,
        changed=entry.changed,
        expires=entry.expires,
        n_jets=facts.n_jets if facts else None,
        columns=list(facts.columns) if facts else [],
        labels=list(facts.labels) if facts else [],
        auc=[AucInfo(model=name, auc=area) for name, area in areas if area is not None],
        problem=entry.problem,
        pending=entry.pending,
    )


def _model(entry: Entry) -> LibraryModel:
    facts = entry.facts if isinstance(entry.facts, ModelFacts) else None
    return LibraryModel(
        name=entry.name,
        origin=entry.origin,
        n_bytes=entry.n_bytes,
        changed=entry.changed,
        expires=entry.expires,
        columns=list(facts.columns) if facts else [],
        classes=list(facts.classes) if facts else [],
        targets=list(facts.targets) if facts else [],
        n_parameters=facts.n_parameters if facts else None,
        checkpoint_hash=facts.checkpoint_hash if facts else None,
        problem=entry.problem,
        pending=entry.pending,
    )
