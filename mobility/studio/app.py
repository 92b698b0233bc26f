"""The studio's addresses: what browsers ask, and what they are answered."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from json import JSONDecodeError
from pathlib import Path
from threading import Lock
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mobility.base.errors import Finding, MobilityError, SourceNotFoundError
from mobility.base.failures import explained
from mobility.base.i18n import LANGUAGES, translate
from mobility.base.version import __version__
from mobility.studio import data, mends
from mobility.studio.answers import Part, Shown
from mobility.studio.asked_jobs import computation, gathering
from mobility.studio.drafts import Draft, stepped
from mobility.studio.guard import PAGE
from mobility.studio.jobs import Queue
from mobility.studio.lines import lines_on
from mobility.studio.placed import off_streets
from mobility.studio.plans import UnfinishedError, plans_of, with_feeds
from mobility.studio.requested import asked_of, whole
from mobility.studio.results import is_outdated, results_folder, results_of
from mobility.studio.sharing import sharing
from mobility.studio.shown import checked_page, costs, findings_of, live_of, of_draft, settings
from mobility.studio.studies import Opened, Studies
from mobility.studio.trips import trips_at_gate
from mobility.studio.words import french

Answerer = Callable[[Request], Awaitable[Response]]
TYPES = {
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

    def __init__(self, studies: Studies, queue: Queue | None = None, *, boot: str = "") -> None:
        self.studies = studies
        self.queue = Queue() if queue is None else queue
        self._writing = Lock()
        self.boot = boot or secrets.token_hex(4)

    def app(self) -> Starlette:
        """Return the application, to be put behind a guard."""
        study = "/studies/{study}"
        routes = [
            Route("/", self.shell),
            Route("/static/{name}", self.static),
            Route("/words", self.words),
            Route("/state", self.state),
            Route("/studies", self.create, methods=["POST"]),
            Route(study, self.study),
            Route(f"{study}/map.html", self.map_page),
            Route(f"{study}/live", self.live, methods=["POST"]),
            Route(f"{study}/trips", self.trips),
            Route(f"{study}/lines", self.lines),
            Route(f"{study}/carpool", self.carpool),
            Route(f"{study}/undo", self.undo, methods=["POST"]),
            Route(f"{study}/scenarios", self.scenarios, methods=["POST"]),
            Route(f"{study}/data", self.data),
            Route(f"{study}/places", self.places),
            Route(f"{study}/sites", self.put_sites, methods=["POST"]),
            Route(f"{study}/depot", self.put_depot, methods=["POST"]),
            Route(f"{study}/files/{{role}}", self.put_file, methods=["POST"]),
            Route(f"{study}/files/{{role}}", self.drop_file, methods=["DELETE"]),
            Route("/templates/{name}", self.template),
            Route(f"{study}/check.html", self.check),
            Route(f"{study}/mends", self.mends),
            Route(f"{study}/mends", self.put_mend, methods=["POST"]),
            Route(f"{study}/job", self.job),
            Route(f"{study}/job", self.add_job, methods=["POST"]),
            Route(f"{study}/job", self.cancel, methods=["DELETE"]),
            Route(f"{study}/results", self.results),
            Route(f"{study}/levers", self.levers),
            Route(f"{study}/plans", self.plans),
            Route(f"{study}/get/{{name:path}}", self.get),
        ]
        answering = [Route(r.path, self._told(r.endpoint), methods=r.methods) for r in routes]
        return Starlette(routes=answering)

    def _told(self, answer: Answerer) -> Answerer:
        """Return an answerer whose errors are told in both languages."""

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
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
        return {
            code: error.render(code).replace(f"{self.studies.root}/", "") for code in ("fr", "en")
        }

    async def shell(self, _request: Request) -> Response:
        """Answer the studio's one page."""
        return _own("index.html")

    async def static(self, request: Request) -> Response:
        """Answer a script or a style of the studio's."""
        return _own(request.path_params["name"])

    async def words(self, _request: Request) -> Response:
        """Answer the French of every text of the studio's."""
        return JSONResponse(french())

    async def state(self, _request: Request) -> Response:
        """Answer what there is to open."""
        return JSONResponse(
            {
                "boot": self.boot,
                "version": __version__,
                "shared": self.studies.confined,
                "studies": await run_in_threadpool(self.studies.listed),
                "root": "" if self.studies.confined else str(self.studies.root),
            }
        )

    async def create(self, request: Request) -> Response:
        """Make a study: empty, or the demo."""
        asked = await asked_of(request)
        if asked.get("demo"):
            from mobility.pipeline import demo_territory

            study = await run_in_threadpool(self.studies.add_demo, demo_territory())
        else:
            study = await run_in_threadpool(self.studies.create, str(asked.get("name", "")))
        return JSONResponse({"id": study})

    async def study(self, request: Request) -> Response:
        """Answer how far a study is read, its draft and its scenarios."""
        opened = await self._opened(request)
        return JSONResponse(await run_in_threadpool(self._about, opened))

    def _about(self, opened: Opened) -> dict[str, Any]:
        about: dict[str, Any] = {
            "boot": self.boot,
            "step": {code: translate(opened.step, code) for code in ("fr", "en")}
            if opened.step
            else None,
            "page": opened.page is not None,
            "ready": opened.live is not None,
            "own": os.access(opened.file, os.W_OK),
            "error": None if opened.error is None else self.said(opened.error),
            "scenarios": opened.history.scenarios(),
        }
        if opened.live is not None:
            about |= {"settings": settings(opened)}
        return about | opened.history.told()

    async def map_page(self, request: Request) -> Response:
        """Answer the map page of a study."""
        opened = await self._opened(request)
        if opened.page is None:
            raise SourceNotFoundError("The map is not drawn yet.", mend="Wait, and ask again.")
        headers = {"content-security-policy": PAGE}
        return Response(opened.page, media_type="text/html", headers=headers)

    async def live(self, request: Request) -> Response:
        """Make a step, or try one, and answer what the map then shows."""
        opened = await self._opened(request)
        asked = await asked_of(request)
        shown = asked["shown"]
        at = Shown(str(shown["pick"]), whole(shown["day"]), whole(shown["mode"]))
        part = asked.get("part", "all")
        if part not in get_args(Part):
            raise MobilityError("There is no such step.", value=part, mend="Load the page again.")
        with of_draft(opened.file):
            answer = await run_in_threadpool(self._live, opened, asked, at, part)
        if asked.get("commit"):
            opened.history.keep_soon()
        return Response(answer, media_type="application/octet-stream")

    def _live(self, opened: Opened, asked: dict[str, Any], shown: Shown, part: Part) -> bytes:
        live, history = live_of(opened), opened.history
        with history.lock:
            draft = history.draft
            folder, results = opened.file.parent, partial(results_folder, opened, "")
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

    async def trips(self, request: Request) -> Response:
        """Answer the trips that serve a shift's gate, as they run today."""
        opened, asked = await self._opened(request), request.query_params
        study = live_of(opened).study
        shift, day = whole(asked.get("shift", 0)), whole(asked.get("day", 0))
        return JSONResponse(await run_in_threadpool(trips_at_gate, study, shift, day))

    async def lines(self, request: Request) -> Response:
        """Answer the lines that run on a kind of day, with their first and last departures."""
        opened, day = await self._opened(request), whole(request.query_params.get("day", 0))
        study = live_of(opened).study
        return JSONResponse({"lines": await run_in_threadpool(lines_on, study, day)})

    async def carpool(self, request: Request) -> Response:
        """Answer who of a shift would find a colleague to share a car with, as the draft has it."""
        opened, asked = await self._opened(request), request.query_params
        live = live_of(opened)

        def found() -> dict[str, Any] | None:
            territory = live.territory(opened.history.draft)
            return sharing(live, territory, whole(asked.get("shift", 0)))

        return JSONResponse({"carpool": await run_in_threadpool(found)})

    async def undo(self, request: Request) -> Response:
        """Undo or redo a step."""
        opened = await self._opened(request)
        by = 1 if (await asked_of(request)).get("redo") else -1
        opened.history.move(by)
        opened.history.keep_soon()
        return JSONResponse(opened.history.told())

    async def scenarios(self, request: Request) -> Response:
        """Keep the draft as a scenario, take one up, or delete one."""
        opened = await self._opened(request)
        asked = await asked_of(request)
        return JSONResponse(await run_in_threadpool(self._scenario, opened, asked))

    def _scenario(self, opened: Opened, asked: dict[str, Any]) -> dict[str, Any]:
        history, what, name = opened.history, asked.get("do"), str(asked.get("name", ""))
        with history.lock, of_draft(opened.file):
            if what == "save":
                history.save(name, history.draft)
            elif what == "copy":
                history.save(name, history.read(str(asked.get("id"))), anew=True)
            elif what == "open":
                draft: Draft = history.read(str(asked.get("id")))
                if opened.live is not None:
                    opened.live.changed(opened.live.territory(draft))
                history.commit(draft)
                history.keep()
            elif what == "remove":
                history.remove(str(asked.get("id")))
        return self._about(opened)

    async def data(self, request: Request) -> Response:
        """Answer the files a study names and its sites."""
        file = await run_in_threadpool(self.studies.path, request.path_params["study"])
        return JSONResponse(await run_in_threadpool(self._data, file))

    def _data(self, file: Path) -> dict[str, Any]:
        found = data.about(file)
        error = found["error"]
        return found | {"error": None if error is None else self.said(error)}

    async def places(self, request: Request) -> Response:
        """Answer which homes and gates of a study lie off its streets, in words."""
        file = await run_in_threadpool(self.studies.path, request.path_params["study"])
        await run_in_threadpool(self.studies.refuse_outside, file)
        told = [self.said(one) for one in await run_in_threadpool(off_streets, file)]
        return JSONResponse({"off": told})

    async def put_file(self, request: Request) -> Response:
        """Take a file that was dropped, once it was read without fault."""
        file = await run_in_threadpool(self.studies.path, request.path_params["study"])
        role, name = request.path_params["role"], request.query_params.get("name", "")
        part = await data.received(request.stream(), role, name)
        try:
            told = await self._write(data.put_file, file, role, part)
        except MobilityError as error:
            words = {k: v.replace(f"{part.parent}/", "") for k, v in self.said(error).items()}
            return JSONResponse(words, 422)
        finally:
            shutil.rmtree(part.parent, ignore_errors=True)
        found = await run_in_threadpool(self._data, file)
        said = [{code: one.render(code) for code in LANGUAGES} for one in told]
        return JSONResponse(found | {"told": said})

    async def drop_file(self, request: Request) -> Response:
        """Name a source no longer."""
        file = await run_in_threadpool(self.studies.path, request.path_params["study"])
        role, name = request.path_params["role"], request.query_params.get("name", "")
        await self._write(data.drop_file, file, role, name)
        return JSONResponse(await run_in_threadpool(self._data, file))

    async def put_sites(self, request: Request) -> Response:
        """Write the table of sites and rosters."""
        file = await run_in_threadpool(self.studies.path, request.path_params["study"])
        asked = await asked_of(request)
        await self._write(data.put_sites, file, asked["sites"], asked["seen"])
        return JSONResponse(await run_in_threadpool(self._data, file))

    async def put_depot(self, request: Request) -> Response:
        """Write where the vehicles of shuttles start and end."""
        opened, asked = await self._opened(request), await asked_of(request)
        await self._write(data.put_depot, opened.file, asked["depot"])
        return JSONResponse({"depot": asked["depot"]})

    async def _write(self, change: Callable[..., Any], *given: Any) -> Any:
        """Change a territory file, one change after the other; return what the change tells."""

        def alone() -> Any:
            with self._writing:
                return change(*given)

        return await run_in_threadpool(alone)

    async def template(self, request: Request) -> Response:
        """Answer a template, named like ``sites-fr.xlsx``."""
        name = request.path_params["name"]
        kind, _, rest = name.partition("-")
        language, _, suffix = rest.partition(".")
        if kind not in data.TEMPLATES or language not in LANGUAGES or suffix not in ("csv", "xlsx"):
            raise SourceNotFoundError("There is no such file.", value=name)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(data.template(kind, language, f".{suffix}"), headers=headers)

    async def check(self, request: Request) -> Response:
        """Answer the page of `mobility check`: the findings beside their places on a map."""
        opened = await self._opened(request)
        language = request.query_params.get("lang", LANGUAGES[0])
        page = await run_in_threadpool(checked_page, opened, language)
        return Response(page, media_type="text/html", headers={"content-security-policy": PAGE})

    async def mends(self, request: Request) -> Response:
        """Answer what the buttons of each finding say, in the order of the check's page."""
        live = live_of(await self._opened(request))
        found = mends.told(findings_of(live.study), live.sources.territory)
        return JSONResponse({"mends": found})

    async def put_mend(self, request: Request) -> Response:
        """Write the setting that a button stands for; the study is then read again."""
        opened, sent = await self._opened(request), await asked_of(request)
        live = live_of(opened)
        mend = mends.asked(
            findings_of(live.study), live.sources.territory, sent.get("finding"), sent.get("mend")
        )
        await self._write(mends.put_mend, opened.file, mend)
        return JSONResponse({"table": mend.table, "field": mend.field, "value": mend.value})

    async def job(self, request: Request) -> Response:
        """Answer how far the last job of a study is."""
        folder = self.studies.path(request.path_params["study"]).parent
        return JSONResponse({"job": self.queue.told(folder)})

    async def add_job(self, request: Request) -> Response:
        """Put a command on a study, or one of its scenarios, into the queue."""
        opened, asked = await self._opened(request), await asked_of(request)
        job = gathering if asked.get("kind") == "init" else computation
        self.queue.add(job(opened, asked))
        return await self.job(request)

    async def cancel(self, request: Request) -> Response:
        """Cancel the job of a study."""
        self.queue.cancel(self.studies.path(request.path_params["study"]).parent)
        return await self.job(request)

    async def results(self, request: Request) -> Response:
        """Answer the files that a study and its scenarios gave."""
        opened = await self._opened(request)
        return JSONResponse(await run_in_threadpool(results_of, opened))

    async def levers(self, request: Request) -> Response:
        """Answer what a search for levers advised, each with the steps that try it."""
        opened = await self._opened(request)
        path = results_folder(opened, "") / "levers_changes.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        outdated = await run_in_threadpool(is_outdated, opened, path)
        return JSONResponse({"levers": found, "outdated": outdated})

    async def plans(self, request: Request) -> Response:
        """Answer the plans of shuttles that were designed, each with what it costs and gains."""
        opened = await self._opened(request)
        folder = results_folder(opened, "")
        found = await run_in_threadpool(plans_of, folder)
        table = folder / "shuttles" / "plans.csv"
        outdated = await run_in_threadpool(is_outdated, opened, table)
        return JSONResponse({"plans": found, "outdated": outdated})

    async def get(self, request: Request) -> Response:
        """Answer a file of a study: to keep, or a page to look at."""
        study, name = request.path_params["study"], request.path_params["name"]
        path = await run_in_threadpool(self.studies.inside, study, name)
        if "view" in request.query_params and path.suffix == ".html":
            headers = {"content-security-policy": PAGE}
            return FileResponse(path, media_type="text/html", headers=headers)
        return FileResponse(path, filename=path.name)

    async def _opened(self, request: Request) -> Opened:
        return await run_in_threadpool(self.studies.open, request.path_params["study"])


def _own(name: str) -> Response:
    """Answer a file of the package by its name alone."""
    folder = files("mobility.studio") / "static"
    known = {entry.name for entry in folder.iterdir()}
    if name not in known:
        raise SourceNotFoundError("There is no such file.", value=name)
    media = TYPES.get("." + name.rpartition(".")[2], "application/octet-stream")
    return Response((folder / name).read_bytes(), media_type=media)


__all__ = ["Studio"]
