"""The studio's addresses: what browsers ask, and what they are answered."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from inspect import iscoroutinefunction
from json import JSONDecodeError
from threading import Lock
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mobility.base import __version__
from mobility.base.errors import Finding, MobilityError, SourceNotFoundError
from mobility.base.failures import explained
from mobility.base.i18n import LANGUAGES, translate, typeset
from mobility.commute.said_before import findings_in_order
from mobility.studio import data, edits, jobs
from mobility.studio.asking import Part, Shown
from mobility.studio.drafts import Draft, stepped
from mobility.studio.edits import checked_page, costs, live_of, of_draft, settings, sharing
from mobility.studio.guard import PAGE
from mobility.studio.lines import UnfinishedError, lines_on, plans_of, trips_at_gate, with_feeds
from mobility.studio.studies import Opened, Studies

#: What a page asks: the fields of a body, or of a query.
_Asked = Mapping[str, Any]
#: A page of results holds its own script and style.
_OF_PAGES = {"content-security-policy": PAGE}
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Studio:
    """Everything the routes share.

    Parameters
    ----------
    studies
        The studies.
    queue
        The computations; one of its own by default.
    boot
        Tells a page left open that the studio was started again; drawn by default.
    """

    def __init__(
        self, studies: Studies, queue: jobs.Queue | None = None, *, boot: str = ""
    ) -> None:
        self.studies = studies
        self.queue = jobs.Queue() if queue is None else queue
        self._writing = Lock()
        self.boot = boot or secrets.token_hex(4)

    def app(self) -> Starlette:
        """Return the application, to be put behind a guard."""
        study = "/studies/{study}"
        addresses: tuple[tuple[str, Callable[..., Any], str], ...] = (
            ("/", self.shell, "GET"), ("/static/{name}", self.static, "GET"),
            ("/words", self.words, "GET"), ("/state", self.state, "GET"),
            ("/studies", self.create, "POST"), (study, self.study, "GET"),
            (f"{study}/map.html", self.map_page, "GET"), (f"{study}/live", self.live, "POST"),
            (f"{study}/trips", self.trips, "GET"), (f"{study}/lines", self.lines, "GET"),
            (f"{study}/carpool", self.carpool, "GET"), (f"{study}/undo", self.undo, "POST"),
            (f"{study}/scenarios", self.scenarios, "POST"), (f"{study}/data", self.data, "GET"),
            (f"{study}/places", self.places, "GET"),
            (f"{study}/sites", self.put_sites, "POST"), (f"{study}/depot", self.put_depot, "POST"),
            (f"{study}/files/{{role}}", self.put_file, "POST"),
            (f"{study}/files/{{role}}", self.drop_file, "DELETE"),
            ("/templates/{name}", self.template, "GET"), (f"{study}/check.html", self.check, "GET"),
            (f"{study}/mends", self.mends, "GET"), (f"{study}/mends", self.put_mend, "POST"),
            (f"{study}/job", self.job, "GET"), (f"{study}/job", self.add_job, "POST"),
            (f"{study}/job", self.cancel, "DELETE"), (f"{study}/results", self.results, "GET"),
            (f"{study}/levers", self.levers, "GET"), (f"{study}/plans", self.plans, "GET"),
            (f"{study}/get/{{name:path}}", self.get, "GET"),
        )  # fmt: skip
        return Starlette(routes=[Route(at, self._answer(f), methods=[m]) for at, f, m in addresses])

    def _answer(self, answer: Callable[..., Any]) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a request: what a function finds, or its errors in both languages.

        The function is given what is asked, the body of a POST or else the query, and the parts of
        the address by name. It runs in a thread, as reading a study takes seconds; threads are
        few, so what opens no study runs here, and waits for none that does. One that takes a body
        as it comes is given the request and runs here too.
        """
        is_quick = answer in (self.shell, self.static, self.words, self.state, self.job)

        async def answered(request: Request) -> Response:
            try:
                if iscoroutinefunction(answer):
                    found = await answer(request, **request.path_params)
                else:
                    posted = request.method == "POST"
                    asked = await _body(request) if posted else dict(request.query_params)
                    run = partial(answer, asked, **request.path_params)
                    found = run() if is_quick else await run_in_threadpool(run)
                return found if isinstance(found, Response) else JSONResponse(found)
            except MobilityError as error:
                status = 404 if isinstance(error, SourceNotFoundError) else 422
                unfinished = isinstance(error, UnfinishedError)
                return JSONResponse(self.said(error) | {"unfinished": unfinished}, status)
            except (JSONDecodeError, KeyError):
                return JSONResponse({"fr": "HTTP 400", "en": "HTTP 400"}, 400)
            except Exception as error:  # noqa: BLE001 (one request fails, the studio goes on)
                return JSONResponse(self.said(explained(error)), 500)

        return answered

    def said(self, error: MobilityError | Finding) -> dict[str, str]:
        """Return the words of an error or a finding; files are named from the studies' folder."""
        root = f"{self.studies.root}/"
        return {code: error.render(code).replace(root, "") for code in LANGUAGES}

    def shell(self, _asked: _Asked) -> Response:
        """Answer the studio's one page."""
        return _own("index.html")

    def static(self, _asked: _Asked, name: str) -> Response:
        """Answer a script or a style of the studio's."""
        return _own(name)

    def words(self, _asked: _Asked) -> dict[str, str]:
        """Answer the French of every text of the studio's."""
        return french()

    def state(self, _asked: _Asked) -> dict[str, Any]:
        """Answer what there is to open."""
        confined = self.studies.confined
        return {
            "boot": self.boot,
            "version": __version__,
            "shared": confined,
            "studies": self.studies.listed(),
            "root": "" if confined else str(self.studies.root),
        }

    def create(self, asked: _Asked) -> dict[str, str]:
        """Make a study: empty, or the demo."""
        if asked.get("demo"):
            from mobility.pipeline import demo_territory

            return {"id": self.studies.add_demo(demo_territory())}
        return {"id": self.studies.create(str(asked.get("name", "")))}

    def study(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer how far a study is read, its draft and its scenarios."""
        return self._about(self.studies.open(study))

    def _about(self, opened: Opened) -> dict[str, Any]:
        step = opened.step
        about: dict[str, Any] = {
            "boot": self.boot,
            "step": {code: translate(step, code) for code in LANGUAGES} if step else None,
            "page": opened.page is not None,
            "ready": opened.live is not None,
            "own": os.access(opened.file, os.W_OK),
            "error": None if opened.error is None else self.said(opened.error),
            "scenarios": opened.history.scenarios(),
        }
        if opened.live is not None:
            about |= {"settings": settings(opened)}
        return about | opened.history.told()

    def map_page(self, _asked: _Asked, study: str) -> Response:
        """Answer the map page of a study."""
        page = self.studies.open(study).page
        if page is None:
            raise SourceNotFoundError("The map is not drawn yet.", mend="Wait, and ask again.")
        return Response(page, media_type="text/html", headers=_OF_PAGES)

    def live(self, asked: _Asked, study: str) -> Response:
        """Make a step, or try one, and answer what the map then shows."""
        opened, shown, part = self.studies.open(study), asked["shown"], asked.get("part", "all")
        at = Shown(str(shown["pick"]), whole(shown["day"]), whole(shown["mode"]))
        if part not in get_args(Part):
            raise MobilityError("There is no such step.", value=part, mend="Load the page again.")
        with of_draft(opened.file):
            answer = self._live(opened, asked, at, part)
        if asked.get("commit"):
            opened.history.keep_soon()
        return Response(answer, media_type="application/octet-stream")

    def _live(self, opened: Opened, asked: _Asked, shown: Shown, part: Part) -> bytes:
        live, history = live_of(opened), opened.history
        with history.lock:
            draft = history.draft
            folder, results = opened.file.parent, partial(jobs.results_folder, opened, "")
            for step in asked.get("steps", []):
                if not isinstance(step, dict):
                    raise MobilityError("There is no such step.", mend="Load the page again.")
                draft = stepped(draft, with_feeds(live, folder, results, draft, step))
            territory = live.territory(draft)
            if asked.get("commit"):
                live.changed(territory)
                history.commit(draft)
            told = history.told()
        if not asked.get("commit"):
            told["draft"] = draft
        if part != "zones":
            told |= costs(live.bill(territory), zoned="on_demand" in draft)
        return live.answer(territory, shown, part).packed(**told)

    def trips(self, asked: _Asked, study: str) -> list[dict[str, Any]]:
        """Answer the trips that serve a shift's gate, as they run today."""
        shift, day = (whole(asked.get(name, 0)) for name in ("shift", "day"))
        return trips_at_gate(live_of(self.studies.open(study)).study, shift, day)

    def lines(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Answer the lines that run on a kind of day, with their first and last departures."""
        day = whole(asked.get("day", 0))
        return {"lines": lines_on(live_of(self.studies.open(study)).study, day)}

    def carpool(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Answer who of a shift would find a colleague to share a car with, as the draft has it."""
        opened = self.studies.open(study)
        live = live_of(opened)
        territory = live.territory(opened.history.draft)
        return {"carpool": sharing(live, territory, whole(asked.get("shift", 0)))}

    def undo(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Undo or redo a step."""
        history = self.studies.open(study).history
        history.move(1 if asked.get("redo") else -1)
        history.keep_soon()
        return history.told()

    def scenarios(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Keep the draft as a scenario, take one up, or delete one."""
        opened, what, name = self.studies.open(study), asked.get("do"), str(asked.get("name", ""))
        history, stem = opened.history, str(asked.get("id"))
        with history.lock, of_draft(opened.file):
            if what == "save":
                history.save(name, history.draft)
            elif what == "copy":
                history.save(name, history.read(stem), anew=True)
            elif what == "open":
                draft: Draft = history.read(stem)
                if opened.live is not None:
                    opened.live.changed(opened.live.territory(draft))
                history.commit(draft)
                history.keep()
            elif what == "remove":
                history.remove(stem)
        return self._about(opened)

    def data(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer the files a study names and its sites."""
        found = data.about(self.studies.path(study))
        return found | {"error": found["error"] and self.said(found["error"])}

    def places(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer whether a study is still read, why it cannot be, which homes lie off the streets.

        A gate off the streets is why it cannot be.
        """
        opened = self.studies.open(study)
        # One refused before it was read has no time of reading.
        if opened.step or (opened.seen and opened.is_outdated):
            return {"reading": True}
        if opened.error is not None:
            return {"reading": False, "error": self.said(opened.error), "off": []}
        findings = live_of(opened).study.findings
        off = [self.said(one) for one in findings if one.code == "homes_far_from_streets"]
        return {"reading": False, "error": None, "off": off}

    async def put_file(self, request: Request, study: str, role: str) -> Response:
        """Take a file that was dropped, once it was read without fault."""
        file = await run_in_threadpool(self.studies.path, study)
        part = await data.received(request.stream(), role, request.query_params.get("name", ""))
        try:
            told = await run_in_threadpool(self._write, data.put_file, file, role, part)
        except MobilityError as error:
            words = {k: v.replace(f"{part.parent}/", "") for k, v in self.said(error).items()}
            return JSONResponse(words, 422)
        finally:
            shutil.rmtree(part.parent, ignore_errors=True)
        found = await run_in_threadpool(self.data, {}, study)
        said = [{code: one.render(code) for code in LANGUAGES} for one in told]
        return JSONResponse(found | {"told": said})

    def drop_file(self, asked: _Asked, study: str, role: str) -> dict[str, Any]:
        """Name a source no longer."""
        self._write(data.drop_file, self.studies.path(study), role, asked.get("name", ""))
        return self.data({}, study)

    def put_sites(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Write the table of sites and rosters."""
        self._write(data.put_sites, self.studies.path(study), asked["sites"], asked["seen"])
        return self.data({}, study)

    def put_depot(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Write where the vehicles of shuttles start and end."""
        self._write(edits.put_depot, self.studies.open(study).file, asked["depot"])
        return {"depot": asked["depot"]}

    def _write(self, change: Callable[..., Any], *given: Any) -> Any:
        """Change a territory file, one change after the other; return what the change tells."""
        with self._writing:
            return change(*given)

    def template(self, _asked: _Asked, name: str) -> Response:
        """Answer a template, named like ``sites-fr.xlsx``."""
        kind, _, rest = name.partition("-")
        language, _, suffix = rest.partition(".")
        if kind not in data.TEMPLATES or language not in LANGUAGES or suffix not in ("csv", "xlsx"):
            raise SourceNotFoundError("There is no such file.", value=name)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(data.template(kind, language, f".{suffix}"), headers=headers)

    def check(self, asked: _Asked, study: str) -> Response:
        """Answer the page of `mobility check`: the findings beside their places on a map."""
        page = checked_page(self.studies.open(study), asked.get("lang", LANGUAGES[0]))
        return Response(page, media_type="text/html", headers=_OF_PAGES)

    def mends(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer what the buttons of each finding say, in the order of the check's page."""
        live = live_of(self.studies.open(study))
        return {"mends": edits.labels(findings_in_order(live.study), live.sources.territory)}

    def put_mend(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Write the setting that a button stands for; the study is then read again."""
        opened = self.studies.open(study)
        findings, territory = (
            findings_in_order(live_of(opened).study),
            live_of(opened).sources.territory,
        )
        mend = edits.mend_asked(findings, territory, asked.get("finding"), asked.get("mend"))
        self._write(edits.put_mend, opened.file, mend)
        return {"table": mend.table, "field": mend.field, "value": mend.value}

    def job(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer how far the last job of a study is."""
        return {"job": self.queue.told(self.studies.path(study).parent)}

    def add_job(self, asked: _Asked, study: str) -> dict[str, Any]:
        """Put a command on a study, or one of its scenarios, into the queue."""
        job = jobs.gathering if asked.get("kind") == "init" else jobs.computation
        self.queue.add(job(self.studies.open(study), asked))
        return self.job({}, study)

    def cancel(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Cancel the job of a study."""
        self.queue.cancel(self.studies.path(study).parent)
        return self.job({}, study)

    def results(self, _asked: _Asked, study: str) -> list[dict[str, Any]]:
        """Answer the files that a study and its scenarios gave."""
        return jobs.results_of(self.studies.open(study))

    def levers(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer what a search for levers advised, each with the steps that try it."""
        opened = self.studies.open(study)
        path = jobs.results_folder(opened, "") / "levers_changes.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return {"levers": found, "outdated": jobs.is_outdated(opened, path)}

    def plans(self, _asked: _Asked, study: str) -> dict[str, Any]:
        """Answer the plans of shuttles that were designed, each with what it costs and gains."""
        opened = self.studies.open(study)
        folder = jobs.results_folder(opened, "")
        outdated = jobs.is_outdated(opened, folder / "shuttles" / "plans.csv")
        return {"plans": plans_of(folder), "outdated": outdated}

    def get(self, asked: _Asked, study: str, name: str) -> Response:
        """Answer a file of a study: to keep, or a page to look at."""
        path = self.studies.inside(study, name)
        if "view" in asked and path.suffix == ".html":
            return FileResponse(path, media_type="text/html", headers=_OF_PAGES)
        return FileResponse(path, filename=path.name)


def _own(name: str) -> Response:
    """Answer a file of the package by its name alone."""
    folder = files("mobility.studio") / "static"
    # Names that are known only: what an address says never becomes a path.
    known = {entry.name for entry in folder.iterdir()}
    if name not in known:
        raise SourceNotFoundError("There is no such file.", value=name)
    media = _TYPES.get("." + name.rpartition(".")[2], "application/octet-stream")
    return Response((folder / name).read_bytes(), media_type=media)


async def _body(request: Request) -> dict[str, Any]:
    """Return what the page asks, as it was sent."""
    try:
        asked = await request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise MobilityError("The request cannot be read.", mend="Load the page again.")
    return asked


def whole(value: Any) -> int:
    """Return a whole number that the page sends."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise MobilityError("The request cannot be read.", mend="Load the page again.") from None


@cache
def french() -> dict[str, str]:
    """Return the French of every English text of the studio's own pages."""
    folder = files("mobility.studio") / "static"
    code = "\n".join(
        entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith((".js", ".html"))
    )
    quoted = re.findall(r'(?="([^"\n]{2,})")', code)
    told = {text: translate(text, "fr") for text in sorted(set(quoted))}
    return {text: word for text, word in told.items() if word != typeset(text, "fr")}
