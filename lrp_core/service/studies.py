"""Which jets and networks can be asked for, and the studies that are open of them.

Jets and networks come from what was given at the start, from the library, from what a person has
uploaded, and from what comes with the package. Of all these a bounded number is open at a time.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from lrp_core import embedded
from lrp_core.errors import (
    CheckpointError,
    DefinitionsError,
    JetFileError,
    NetworkError,
    SourceError,
)
from lrp_core.folder import shown
from lrp_core.model import Model
from lrp_core.reading import JetFiles, JetSource
from lrp_core.service.answers import Answer
from lrp_core.service.cache import Cache
from lrp_core.service.disk import Disk
from lrp_core.service.kept import Kept
from lrp_core.service.library import (
    Entry,
    Folder,
    JetsFacts,
    Kind,
    Look,
    Stamp,
    Way,
    find,
    first_fitting,
    library_folder,
    missing_features,
    model_facts,
    open_jets_of,
    open_model,
    usable,
)
from lrp_core.service.problems import AGAIN, SOURCE_FAILS, Problem
from lrp_core.service.schemas import LibraryInfo
from lrp_core.service.scores import Scores
from lrp_core.service.study import Jets, Study, file_gone
from lrp_core.service.uploads import Uploads
from lrp_core.service.workers import Workers
from lrp_core.settings import Settings

logger = logging.getLogger("jetlrp.library")

STUDIES = 16  # open at a time; their jets and networks are bounded by the settings
SCORED_JETS = 5_000_000  # whose scores are remembered for files that nobody looks at now
Key = tuple[str, Stamp]
Pair = tuple[Key, Key]  # of a file and of a network
WORDS: dict[Kind, str] = {"jets": "file of jets", "model": "network"}
MOST_NAMED = 6  # columns that an error names
MOST_CHOICES = 50  # names that an error lists


@dataclass(frozen=True)
class Listing:
    """Everything that a person can ask for."""

    jets: list[Entry]
    models: list[Entry]


class Studies:
    """Finds jets and networks by name, opens them, and keeps what is used.

    jets, model  what was given at the start, or None: then it is chosen from the library, and
                 comes with the package where there is none that can be used

    Raises SettingsError if the library is no folder.
    """

    def __init__(
        self,
        jets: Jets | None,
        model: Model | None,
        settings: Settings,
        cache: Cache[Answer],
        workers: Workers,
        disk: Disk | None = None,
    ) -> None:
        self._settings = settings
        self._disk = disk
        self._cache = cache
        self._workers = workers
        self._given = Listing(
            [] if jets is None else [_given_jets(jets)], [] if model is None else [_given(model)]
        )
        self._folders: list[Folder] = []
        if settings.library is not None:
            columns = {
                standard.strip(): branch.strip()
                for standard, branch in (pair.split("=", 1) for pair in settings.column)
            }
            way = Way(settings.tree, columns, settings.padding)
            self._folders.append(library_folder(settings.library, way))
        self.uploads = Uploads.of(settings)
        missing: list[tuple[Kind, object]] = [("jets", jets), ("model", model)]
        kinds = tuple(kind for kind, given in missing if given is None)
        if kinds:
            self._folders.append(Folder(embedded.FOLDER, "sample", kinds=kinds))
        self.look = Look(disk)
        self._listed: dict[Path, dict[tuple[Kind, str], Entry]] = {}
        self._seen: set[tuple[Path, Kind, str]] = set()
        self._usual: tuple[str, str] | None = None
        self._jets: Kept[Key, JetFiles] = Kept(settings.files_open, self._let_go_of_jets)
        self._models: Kept[Key, Model] = Kept(settings.models_open, self._let_go_of_model)
        self._studies: Kept[Pair, Study] = Kept(STUDIES, _rest)
        self._scores: OrderedDict[Pair, Scores] = OrderedDict()
        self._areas: dict[Pair, float] = {}
        self._turn = Lock()
        self._lock = Lock()
        self._started = False

    def info(self, person: str) -> LibraryInfo:
        """How much there is, as it was looked up last."""
        kinds: list[Kind] = [entry.kind for entry in (*self._given.jets, *self._given.models)]
        for folder in self._all_folders(person):
            kinds += [kind for kind, _ in self._listed.get(folder.path, ())]
        return LibraryInfo(
            files=kinds.count("jets"),
            models=kinds.count("model"),
            uploads=self.uploads is not None,
        )

    def usual(self, person: str = "") -> tuple[str, str]:
        """The names of the file and the network that are meant where none is named."""
        return self._with_usual(None, None, person)

    def _given_of(self, kind: Kind) -> list[Entry]:
        return self._given.jets if kind == "jets" else self._given.models

    def start(self) -> None:
        """Score the jets of the usual study, and from now on of every one that is opened."""
        self._started = True
        for study in self._studies.all():
            study.scores.start(study.score)

    def stop(self) -> None:
        """Score and look no more."""
        self._started = False
        for study in self._studies.all():
            study.scores.stop()
        self.look.close()

    # ------------------------------------------------------------------ what there is

    def listing(self, person: str) -> Listing:
        """What there is for a person, looked up now: given, library, own uploads, package."""
        jets, models = list(self._given.jets), list(self._given.models)
        own = {entry.path.resolve() for entry in jets if entry.path is not None}
        for folder in self._all_folders(person):
            if folder.origin == "sample":
                folder = replace(folder, kinds=_wanting(folder.kinds, jets, models))
            taken = {("jets", entry.name) for entry in jets}
            taken |= {("model", entry.name) for entry in models}
            for entry in self._list(folder):
                if entry.path is not None and entry.path in own:
                    continue  # the given file lies in the library
                if (entry.kind, entry.name) in taken:
                    continue
                if folder.origin == "upload" and self.uploads is not None:
                    entry = replace(entry, expires=self.uploads.expires(entry.changed))
                (jets if entry.kind == "jets" else models).append(entry)
        return Listing(jets, models)

    def auc(self, jets: Entry, model: Entry) -> float | None:
        """Of a network on a file, where all its jets have been scored and there are labels.

        Whichever process of the server knows it tells the others, also those that come after it.
        """
        pair = jets.key, model.key
        key = self._key_of_area(pair)
        if pair not in self._areas and key is not None and self._disk is not None:
            there = self._disk.path(key).exists()  # nobody missed what was never written
            content = self._disk.read(key) if there else None
            if content is not None:
                self._areas[pair] = float(content)
        return self._areas.get(pair)

    def _key_of_area(self, pair: Pair) -> Hashable | None:
        """What it is known by on the disk; None for what was given, which no stamp dates."""
        if not all(stamp for _, stamp in pair):
            return None
        settings = self._settings
        return ("auc", pair, settings.tree, settings.column, settings.padding)

    def _all_folders(self, person: str) -> list[Folder]:
        """The library, the person's own uploads, and what comes along."""
        if self.uploads is None:
            return self._folders
        own = self.uploads.folder_of(person)
        self.uploads.sweep(own.path)
        at = sum(folder.origin == "library" for folder in self._folders)
        return [*self._folders[:at], own, *self._folders[at:]]

    def _list(self, folder: Folder) -> list[Entry]:
        entries = self.look.entries(folder)
        with self._lock:
            self._listed[folder.path] = {(entry.kind, entry.name): entry for entry in entries}
            self._seen |= {(folder.path, entry.kind, entry.name) for entry in entries}
        return entries

    def _find(self, kind: Kind, name: str, person: str) -> tuple[Entry, Folder | None]:
        """The entry of a name, as the disk has it now. Raises Problem if there is none."""
        for entry in self._given_of(kind):
            if entry.name == name:
                return entry, None
        folders = [folder for folder in self._all_folders(person) if kind in folder.kinds]
        for again in (False, True):
            for folder in folders:
                if again:
                    self._list(folder)
                entry_then = self._listed.get(folder.path, {}).get((kind, name))
                if entry_then is None or entry_then.path is None:
                    continue
                now = find(entry_then.path, kind, folder)
                if now is not None and now.problem is None:
                    same = now.stamp == entry_then.stamp
                    return (entry_then if same else now), folder
                if now is not None and os.path.lexists(entry_then.path):
                    return now, folder
        self._forget(name)
        if any((folder.path, kind, name) in self._seen for folder in folders):
            raise file_gone(name)
        names = self._names(kind, person)
        raise Problem(
            404,
            "unknown_file" if kind == "jets" else "unknown_model",
            f"There is no {WORDS[kind]} {shown(name)} here. Choose another one; "
            "GET /api/v1/library lists what there is.",
            choices=names[:MOST_CHOICES],
        )

    def _names(self, kind: Kind, person: str) -> list[str]:
        listing = self.listing(person)
        return [entry.name for entry in usable(listing.jets if kind == "jets" else listing.models)]

    def _forget(self, name: str) -> None:
        """Let go of a file that has gone."""
        self._usual = None
        gone = [
            entry.path
            for listed in list(self._listed.values())
            for (_, own), entry in list(listed.items())
            if own == name
        ]
        paths = {str(path) for path in gone}
        self._studies.drop(lambda key, _: any(path in paths for path, _ in key))
        self._jets.drop(lambda key, _: key[0] in paths)
        self._models.drop(lambda key, _: key[0] in paths)

    # ------------------------------------------------------------------ what is open

    def study(self, file: str | None = None, model: str | None = None, person: str = "") -> Study:
        """The study of a file with a network, by their names.

        Without a name: what was given at the start, else the first that goes with the other.
        Raises Problem where there is no such thing, it cannot be used, or the two do not fit.
        """
        if file is None and model is None:
            names = self._with_usual(None, None, person)
            try:
                return self._named(*names, person)
            except Problem as problem:
                if problem.status not in (404, 410):
                    raise
                self._usual = None  # one of them has gone; there may be others
        if file is None or model is None:
            file, model = self._with_usual(file, model, person)
        return self._named(file, model, person)

    def _named(self, file: str, model: str, person: str) -> Study:
        jets_entry, jets_folder = self._find("jets", file, person)
        model_entry, model_folder = self._find("model", model, person)
        key = (jets_entry.key, model_entry.key)

        def make() -> Study:
            jets = self._open_jets(jets_entry, jets_folder)
            network = self._open_model(model_entry, model_folder)
            _check_fit(jets, network, file, model)
            study = Study(
                jets,
                network,
                file=file,
                model_name=model,
                cache=self._cache,
                workers=self._workers,
                settings=self._settings,
                path=jets_entry.path if jets_folder is not None else None,
                turn=self._turn,
                disk=self._disk,
            )
            study.scores = self._scores_of(key, study)
            if self._started:
                study.scores.start(study.score)
            return study

        study = self._studies.get(key, make)
        if key not in self._areas and study.scores.complete and (area := study.auc) is not None:
            self._areas[key] = area
            shared = self._key_of_area(key)
            if shared is not None and self._disk is not None:
                self._disk.write(shared, repr(area).encode())
        return study

    def _with_usual(self, file: str | None, model: str | None, person: str) -> tuple[str, str]:
        """Names for what has none."""
        if file is None and model is None and self._usual is not None:
            return self._usual
        listing = self.listing(person)
        jets, models = listing.jets, listing.models
        if file is None and model is None:  # the same for all people
            jets = [entry for entry in jets if entry.origin != "upload"]
            models = [entry for entry in models if entry.origin != "upload"]
        if file is not None:
            jets = [self._seen_now(*self._find("jets", file, person))]
        if model is not None:
            models = [self._seen_now(*self._find("model", model, person))]
        found = first_fitting(jets, models)
        if found is None:  # what comes with the package may help
            more = [entry for one in self._folders if one.origin == "sample"
                    for entry in self._list(one)]  # fmt: skip
            jets_too = jets if file else [*jets, *(one for one in more if one.kind == "jets")]
            models_too = (
                models if model else [*models, *(one for one in more if one.kind == "model")]
            )
            found = first_fitting(jets_too, models_too)
        if found is None:
            first_jets, first_models = usable(jets) or jets, usable(models) or models
            if not first_jets or not first_models:
                raise Problem(404, "nothing_here", "There are no jets or no network here yet.")
            found = first_jets[0], first_models[0]
        elif file is None and model is None and not any(one.pending for one in (*jets, *models)):
            self._usual = (found[0].name, found[1].name)
        return found[0].name, found[1].name

    def _seen_now(self, entry: Entry, folder: Folder | None) -> Entry:
        """An entry with what is in it, opened for that if need be."""
        if entry.facts is not None:
            return entry
        if entry.kind == "jets":
            jets: Any = self._open_jets(entry, folder)
            return replace(entry, facts=JetsFacts(len(jets), tuple(jets.features)), problem=None)
        return replace(entry, facts=model_facts(self._open_model(entry, folder)), problem=None)

    def _open_jets(self, entry: Entry, folder: Folder | None) -> Jets:
        if folder is None:
            return entry.thing  # type: ignore[return-value]
        try:
            if entry.problem is not None:
                raise JetFileError(entry.problem)
            return self._jets.get(entry.key, lambda: open_jets_of(entry, folder))
        except JetFileError as error:
            raise _unusable(entry, error) from error

    def _open_model(self, entry: Entry, folder: Folder | None) -> Model:
        if folder is None:
            return entry.thing  # type: ignore[return-value]
        try:
            if entry.problem is not None:
                raise CheckpointError(entry.problem)
            return self._models.get(entry.key, lambda: open_model(entry, folder))
        except (CheckpointError, DefinitionsError, NetworkError) as error:
            raise _unusable(entry, error) from error

    def _let_go_of_jets(self, jets: JetFiles) -> None:
        self._studies.drop(lambda _, study: study.jets is jets)
        jets.close()

    def _let_go_of_model(self, model: Model) -> None:
        self._studies.drop(lambda _, study: study.model is model)

    def _scores_of(self, key: Pair, study: Study) -> Scores:
        """The scores of a study, those of the last time where they are remembered."""
        with self._lock:
            scores = self._scores.setdefault(key, study.scores)
            self._scores.move_to_end(key)
            n_jets = sum(one.total for one in self._scores.values())
            while n_jets > SCORED_JETS and len(self._scores) > 1:
                n_jets -= self._scores.popitem(last=False)[1].total
            return scores


def _wanting(kinds: tuple[Kind, ...], jets: list[Entry], models: list[Entry]) -> tuple[Kind, ...]:
    """Of what there is nothing that can be used by all."""
    there = {
        entry.kind
        for entry in (*jets, *models)
        if entry.problem is None and entry.origin != "upload"
    }
    return tuple(kind for kind in kinds if kind not in there)


def _given_jets(jets: Jets) -> Entry:
    paths: Sequence[str] = getattr(jets, "paths", [])
    sources: Sequence[JetSource] = getattr(jets, "sources", [])
    sizes = [source.n_bytes for source in sources if source.n_bytes is not None]
    return Entry(
        jets.name,
        "jets",
        "given",
        path=Path(paths[0]).resolve() if len(paths) == 1 and "://" not in paths[0] else None,
        n_bytes=sum(sizes) if sizes else None,
        facts=JetsFacts(
            len(jets), tuple(getattr(jets, "features", ())), tuple(getattr(jets, "labels", ()))
        ),
        thing=jets,
    )


def _given(model: Model) -> Entry:
    return Entry(model.name, "model", "given", facts=model_facts(model), thing=model)


def _check_fit(jets: Jets, model: Model, file: str, model_name: str) -> None:
    """Raise Problem naming both where the jets lack columns of the network."""
    columns = getattr(jets, "features", None)
    if columns is None:
        return
    missing = missing_features(model_facts(model), JetsFacts(len(jets), tuple(columns)))
    if missing:
        why = jets.why_not(missing) if isinstance(jets, JetFiles) else ""
        raise Problem(
            422,
            "does_not_fit",
            f"{model_name} does not fit {file}: it reads {_some(missing)}, which the file does not "
            f"have{why}; the file has {_some(columns)}. Choose another network, or a file with "
            "these columns.",
        )


def _some(names: Sequence[str]) -> str:
    """The first names of many."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _unusable(entry: Entry, error: Exception) -> Problem:
    words = str(error).replace(str(entry.path), entry.name)
    if entry.path is not None:
        words = words.replace(f"{entry.path.parent}/", "")
    if entry.name not in words:
        words = f"{entry.name}: {words}"
    if isinstance(error, SourceError):
        return Problem(503, SOURCE_FAILS, f"{words}.", headers=AGAIN)
    return Problem(
        422,
        "unusable_file" if entry.kind == "jets" else "unusable_model",
        f"This {WORDS[entry.kind]} cannot be used. {words}.",
    )


def _rest(study: Study) -> None:
    study.scores.rest()
