"""The `hatang` command; each sub-command calls one function of a package."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.accounts.commands import user
from app.areas.commands import units
from app.coverage.commands import coverage
from app.coverage.ground_commands import land_cover, terrain
from app.errors import AppError
from app.jobs.commands import jobs
from app.kit.console import AsJson, AsOf, KnownAt, day, err, moment, out, show
from app.licensing.applications.commands import applications
from app.licensing.commands import colocation, what_if
from app.licensing.constraints.commands import constraints
from app.licensing.dossier.commands import appraisal
from app.licensing.lines.commands import check
from app.licensing.prices.commands import prices
from app.licensing.programme.commands import programme
from app.objects.commands import history
from app.publish.qgis.commands import qgis_project
from app.sharing.commands import sharing

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Hatang: hạ tầng viễn thông trên bản đồ số.")
db = typer.Typer(no_args_is_help=True, help="The private PostgreSQL/PostGIS cluster.")
app.add_typer(db, name="db")
app.add_typer(terrain, name="terrain")
app.add_typer(land_cover, name="land-cover")
app.add_typer(coverage, name="coverage")
app.add_typer(user, name="user")
app.add_typer(history, name="history")
app.add_typer(units, name="units")
app.add_typer(jobs, name="jobs")
app.command("colocation")(colocation)
app.command("what-if")(what_if)
app.command("qgis-project")(qgis_project)
app.add_typer(sharing, name="sharing")
app.add_typer(applications, name="applications")
app.add_typer(programme, name="programme")
app.add_typer(prices, name="prices")
app.add_typer(appraisal, name="appraisal")
app.add_typer(constraints, name="constraints")
app.add_typer(check, name="check")


@db.command("start")
def db_start() -> None:
    """Start the private cluster, making it on the first run."""
    from app import cluster

    out.print("started" if cluster.private().start() else "already running")


@db.command("stop")
def db_stop() -> None:
    """Stop the private cluster."""
    from app import cluster

    out.print("stopped" if cluster.private().stop() else "not running")


@db.command("status")
def db_status(as_json: AsJson = False) -> None:
    """Say where the database is and whether it answers."""
    from sqlalchemy import make_url, text

    from app import cluster
    from app.config import settings
    from app.database import session_scope

    if settings().database_url:
        with session_scope() as session:
            version = session.scalar(text("SELECT version()"))
        url = make_url(settings().database_url or "").render_as_string(hide_password=True)
        show({"running": True, "version": version, "url": url}, as_json)
        return
    private = cluster.private()
    show({"running": private.running(), "data": str(private.directory), "url": private.url()}, as_json)


@db.command("reset")
def db_reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Throw the private database away and make an empty one; refused for a database of your own."""
    from app import cluster
    from app.config import settings
    from app.errors import Conflict

    if settings().database_url:
        raise Conflict(
            "not_ours", "HATANG_DATABASE_URL đang đặt: không xoá cơ sở dữ liệu của bạn",
            "HATANG_DATABASE_URL is set: your own database is not thrown away", field="HATANG_DATABASE_URL",
        )  # fmt: skip
    if not yes:
        typer.confirm("Xoá toàn bộ dữ liệu? / Throw all data away?", abort=True)
    private = cluster.private()
    private.start()
    private.drop_database(cluster.DATABASE)
    with private.superuser("postgres") as connection:
        private.create_database(cluster.DATABASE, connection)
    for folder in ("terrain", "land_cover", "coverage", "sharing"):  # nothing knows these files any more
        shutil.rmtree(settings().var_dir / folder, ignore_errors=True)
    migrate()
    out.print("empty and migrated")


@db.command("psql")
def db_psql() -> None:
    """Open psql as the application's role."""
    import os

    from app import cluster
    from app.config import settings

    url = settings().database_url
    if not url:
        cluster.private().start()
        url = cluster.private().url()
    psql = cluster.find_bin() / "psql"
    os.execv(psql, [str(psql), url])  # noqa: S606


@db.command("migrate")
def db_migrate() -> None:
    """Bring the tables to the newest revision and load the plan's reference data."""
    migrate()
    out.print("migrated")


def migrate() -> None:
    """Run the migrations as the owner, then insert missing reference rows as the application."""
    from alembic import command
    from alembic.config import Config

    from app import cluster
    from app.config import ROOT, settings
    from app.database import session_scope
    from app.kit import postgres
    from app.organisations import service as organisations
    from app.policy import service as policy

    given = settings().database_url
    if given:
        owner = settings().owner_database_url or given
        postgres.prepare_given(owner)
        postgres.check_application_role(given, owner)
        if postgres.index_is_hidden(given):
            err.print(
                "Nhờ quản trị PostgreSQL chạy các lệnh sau, nếu không câu hỏi theo không gian chậm gấp nhiều lần. "
                f"Have a superuser run these, or spatial questions are many times slower:\n{postgres.LEAKPROOF}",
                markup=False, highlight=False,
            )  # fmt: skip
    else:
        cluster.private().start()
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    with session_scope() as session:
        policy.load_reference(session)
        organisations.load_reference(session)


@coverage.command("run")
def coverage_run(
    operator: Annotated[str | None, typer.Option("--operator", help="Only this operator's network; its code.")] = None,
    technology: Annotated[str | None, typer.Option("--technology", help="Only 2G, 3G, 4G or 5G.")] = None,
    resolution_m: Annotated[float | None, typer.Option("--resolution", help="Metres of a coverage raster.")] = None,
    rule: Annotated[str, typer.Option("--rule", help="Name of the coverage rule.")] = "village-80",
    background: Annotated[bool, typer.Option("--background", help="Leave it to a worker; print the job.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Compute the signal at every village's points and store the verdicts as a run."""
    from app.coverage import jobs as work
    from app.coverage import service
    from app.database import session_scope
    from app.kit.progress import bar

    if background:
        with session_scope() as session:
            number = work.ask(session, day(as_of), rule, operator, technology, resolution_m)
        show({"job": number, "follow": f"hatang jobs show {number}"}, as_json, "Đã xếp hàng · queued")
        return
    with bar(err) as progress, session_scope() as session:
        run = service.run_coverage(
            session, as_of=day(as_of), rule=rule, operator=operator, technology=technology,
            resolution_m=resolution_m, progress=progress,
        )  # fmt: skip
        result = service.summary(run)
    show(result, as_json, f"Vùng phủ · coverage {run.as_of}")


@coverage.command("path-loss")
def coverage_path_loss(
    lon1: Annotated[float, typer.Option("--lon1")],
    lat1: Annotated[float, typer.Option("--lat1")],
    height1_m: Annotated[float, typer.Option("--height1", help="Metres above ground.")],
    lon2: Annotated[float, typer.Option("--lon2")],
    lat2: Annotated[float, typer.Option("--lat2")],
    height2_m: Annotated[float, typer.Option("--height2", help="Metres above ground.")],
    frequency_mhz: Annotated[float, typer.Option("--frequency-mhz")],
    as_json: AsJson = False,
) -> None:
    """Print the median loss between two antennas over the loaded terrain."""
    from app.coverage import paths
    from app.database import session_scope

    with session_scope() as session:
        show(paths.path_loss(session, lon1, lat1, height1_m, lon2, lat2, height2_m, frequency_mhz), as_json)


@coverage.command("check-profiles")
def coverage_check_profiles(
    path: Annotated[Path, typer.Argument(help="An .npz file.")], as_json: AsJson = False
) -> None:
    """Compare the model with validation profiles: cases and the largest deviation in dB."""
    from app.coverage import paths

    show(paths.check_profiles(path), as_json)


@coverage.command("benchmark")
def coverage_benchmark(
    points: Annotated[int, typer.Option("--points", min=1)] = 11_000,
    masts: Annotated[int, typer.Option("--masts", min=1)] = 1500,
    as_json: AsJson = False,
) -> None:
    """Measure paths and points a second on a SYNTHETIC province, beside reading the same profiles alone."""
    from app.config import settings
    from app.coverage import benchmark
    from app.kit.progress import bar

    with bar(err) as progress:
        result = benchmark.run(points, masts, settings().workers, progress)
    show(result, as_json, "SYNTHETIC")


@app.command("demo")
def demo(
    seed: Annotated[int, typer.Option("--seed", help="The same seed builds the same province.")] = 254,
    scale: Annotated[float, typer.Option("--scale", help="Share of villages, sites, poles and ducts.")] = 1.0,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Keep what the registry holds, without a word.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill the empty registry with the SYNTHETIC province and compute its coverage and sharing."""
    from app.demo import console

    if if_empty and not console.empty():
        console.finish(day(None), err)
        return
    summary = console.run(seed, scale, day(None), err)
    show(summary if as_json else console.rows(summary), as_json, "SYNTHETIC")


@app.command("load")
def load(
    layer: Annotated[str, typer.Argument(help="organisations, areas, villages, demand_points, sites, poles, ducts…")],
    file: Annotated[
        Path, typer.Argument(help="GeoJSON, GeoPackage, zipped Shapefile, KML, CSV, XLSX; people: GeoTIFF.")
    ],
    crs: Annotated[str | None, typer.Option("--crs", help="CRS of the coordinates, e.g. EPSG:9214.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="The file's column=ours; repeat.")] = None,
    constants: Annotated[list[str] | None, typer.Option("--set", help="column=value for every row; repeat.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Change objects that are there already.")] = False,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet, layer or shapefile to read.")] = None,
    accept_outside: Annotated[bool, typer.Option("--accept-outside", help="Take points in a doubtful zone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load a file: all of it, or nothing and a report of every bad row."""
    from app.database import session_scope
    from app.intake import console, service
    from app.kit.progress import bar

    service.layer_named(layer)
    given, fixed = console.pairs("--map", mapping or []), console.pairs("--set", constants or [])
    with bar(err, console.STEPS) as progress, session_scope() as session:
        report = service.load_file(session, layer, file, crs=crs, mapping=given, constants=fixed, update=update,
                                   sheet=sheet, accept_outside=accept_outside, progress=progress)  # fmt: skip
    console.show(report, as_json, out)
    if not report.accepted:
        raise typer.Exit(1)


@app.command("export")
def export(
    layer: Annotated[str, typer.Argument(help="villages, communes, sites, structures, poles, manholes, ducts…")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="FILE.geojson .geojsonl .gpkg .fgb .parquet .csv .xlsx .kml .shp.zip")
    ],
    as_of: AsOf = None,
    bbox: Annotated[str | None, typer.Option("--bbox", help="west,south,east,north in degrees.")] = None,
    commune: Annotated[str | None, typer.Option("--commune", help="Code or name.")] = None,
    known_at: KnownAt = None,
    crs: Annotated[str | None, typer.Option("--crs", help="EPSG:9214 (VN-2000) instead of degrees.")] = None,
    bundle: Annotated[bool, typer.Option("--bundle", help="FILE.csv.zip: the file and its metadata.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a layer to a file; the file appears only when it is complete."""
    from app.database import session_scope
    from app.kit.progress import bar
    from app.publish import files

    known = moment(known_at)
    with bar(err) as progress, session_scope() as session:
        result = files.write(session, layer, output, as_of=day(as_of), known_at=known, bbox=bbox, commune=commune,
                             crs=crs, bundle=bundle, progress=progress)  # fmt: skip
    show(result, as_json)


@app.command("serve")
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address; default HATANG_HOST or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Default HATANG_PORT or 8000.")] = None,
    worker: Annotated[
        bool | None, typer.Option("--worker/--no-worker", help="Do background jobs too; default HATANG_SERVE_WORKER.")
    ] = None,
) -> None:
    """Serve the map and the API, and do background jobs, until stopped."""
    from contextlib import nullcontext

    from app.config import settings
    from app.jobs import running
    from app.main import JOBS
    from app.publish import serving

    wanted = settings().serve_worker if worker is None else worker
    beside = running.beside(running.Worker(JOBS)) if wanted else nullcontext()
    serving.serve("app.main:create_app", host or settings().host, port or settings().port, partial(print, flush=True),
                  beside)  # fmt: skip


@app.command("worker")
def worker(
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Jobs at a time.")] = 1,
) -> None:
    """Do background jobs until stopped; as many workers as wanted, on as many machines."""
    from app.jobs import running
    from app.main import JOBS
    from app.publish import serving

    serving.prepare()
    running.work_until_stopped(running.Worker(JOBS, concurrency), partial(print, flush=True))


def main() -> None:
    """Run the command: exit 0 done, 1 refused with a reason, 2 wrong usage; no traceback for a refusal."""
    try:
        app()
    except AppError as error:
        if "--json" in sys.argv:
            print(json.dumps(error.problem(), ensure_ascii=False, default=str))
        # Messages quote files and options, which may hold what Rich would take for markup.
        err.print(f"[red]{escape(error.vi)}[/red]\n{escape(error.en)}", highlight=False)
        raise SystemExit(1) from None
