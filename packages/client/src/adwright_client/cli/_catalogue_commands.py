"""`adwright brands|products|exemplars`."""

from functools import partial
from typing import Annotated

import typer

from ._options import Brand, InBrand, Json, Timeout

__all__ = ["brands", "exemplars", "products"]

Name = Annotated[str, typer.Argument(help="Short id or full name.", metavar="NAME")]
File = Annotated[str, typer.Argument(help="A .csv or .jsonl file; - reads standard input.", metavar="FILE")]
FileFormat = Annotated[
    str, typer.Option("--file-format", help="csv or jsonl. Default: as the suffix says.", metavar="FORMAT")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check every row, write nothing.")]

Filter = Annotated[str, typer.Option("--filter", help="Only those for which this holds (AIP-160).", metavar="FILTER")]
Deleted = Annotated[bool, typer.Option("--deleted", help="Also deleted ones that can be restored.")]
Output = Annotated[str, typer.Option("--output", help="A file; default: standard output.", metavar="FILE")]
Resume = Annotated[
    str, typer.Option("--resume", help="Go on with an import of the same file.", metavar="operations/ID")
]
Errors = Annotated[
    str, typer.Option("--errors", help="Write what is wrong with refused rows here, as CSV.", metavar="FILE")
]
CallTimeout = Annotated[float, typer.Option("--timeout", help="Seconds for each MiB of the file.", min=0.1, max=3600)]

brands = typer.Typer(name="brands", help="Brands: voice, rules, languages, data policy.")


@brands.command("list")
def list_brands(filter: Filter = "", deleted: Deleted = False, as_json: Json = False) -> int:
    """List all brands."""
    from ._listing import show_list
    from ._session import run

    return run(
        "brands list",
        lambda client: show_list("brands", client.brands.list(filter=filter, deleted=deleted), as_json=as_json),
    )


@brands.command("get")
def get_brand(name: Name, as_json: Json = False) -> int:
    """Show one brand."""
    from ._listing import show_one
    from ._session import run

    return run("brands get", lambda client: show_one(client.brands.get(name), as_json=as_json))


@brands.command("import")
def import_brands(
    file: File,
    file_format: FileFormat = "",
    dry_run: DryRun = False,
    resume: Resume = "",
    errors: Errors = "",
    timeout: CallTimeout = 120.0,
) -> int:
    """Create or replace brands from a file; exit code 1 when rows failed."""
    from ._importing import ImportOptions, import_file
    from ._session import run

    options = ImportOptions(file_format, dry_run, resume, errors, timeout)
    return run("brands import", lambda client: import_file(client, file, client.brands.import_file, options))


@brands.command("export")
def export_brands(filter: Filter = "", output: Output = "", timeout: Timeout = 600.0) -> int:
    """Print all brands as JSONL that can be imported again."""
    from ._files import export
    from ._session import run

    return run("brands export", lambda client: export(client.brands.export(filter=filter, timeout=timeout), output))


@brands.command("delete")
def delete_brand(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also all products and exemplars of it.")] = False,
) -> int:
    """Delete a brand; it can be restored for 30 days."""
    from ._files import delete
    from ._session import run

    return run("brands delete", lambda client: delete(name, client.brands.delete(name, force=force)))


@brands.command("undelete")
def undelete_brand(name: Name) -> int:
    """Restore a deleted brand with all it had."""
    from ._files import undelete
    from ._session import run

    return run("brands undelete", lambda client: undelete(name, client.brands.undelete(name)))


def _children(kind: str, help: str) -> typer.Typer:
    group = typer.Typer(name=kind, help=help)

    @group.command("list", help=f"List all {kind} of a brand.")
    def list_all(brand: Brand, filter: Filter = "", deleted: Deleted = False, as_json: Json = False) -> int:
        from ._listing import show_list
        from ._session import run

        return run(
            f"{kind} list",
            lambda client: show_list(
                kind, getattr(client, kind).list(brand, filter=filter, deleted=deleted), as_json=as_json
            ),
        )

    @group.command("get", help=f"Show one of the {kind}.")
    def get(name: Name, brand: InBrand = "", as_json: Json = False) -> int:
        from ._listing import show_one
        from ._session import run

        return run(f"{kind} get", lambda client: show_one(getattr(client, kind).get(name, brand), as_json=as_json))

    @group.command("import", help=f"Create or replace {kind} from a file; exit code 1 when rows failed.")
    def import_all(
        file: File,
        brand: Brand,
        file_format: FileFormat = "",
        dry_run: DryRun = False,
        resume: Resume = "",
        errors: Errors = "",
        timeout: CallTimeout = 120.0,
    ) -> int:
        from ._importing import ImportOptions, import_file
        from ._session import run

        options = ImportOptions(file_format, dry_run, resume, errors, timeout)
        return run(
            f"{kind} import",
            lambda client: import_file(client, file, partial(getattr(client, kind).import_file, brand), options),
        )

    @group.command("export", help=f"Print all {kind} of a brand as JSONL that can be imported again.")
    def export_all(brand: Brand, filter: Filter = "", output: Output = "", timeout: Timeout = 600.0) -> int:
        from ._files import export
        from ._session import run

        return run(
            f"{kind} export",
            lambda client: export(getattr(client, kind).export(brand, filter=filter, timeout=timeout), output),
        )

    @group.command("delete", help=f"Delete one of the {kind}; it can be restored for 30 days.")
    def delete_one(name: Name, brand: InBrand = "") -> int:
        from ._files import delete
        from ._session import run

        return run(f"{kind} delete", lambda client: delete(name, getattr(client, kind).delete(name, brand)))

    @group.command("undelete", help=f"Restore one of the {kind} that was deleted.")
    def undelete_one(name: Name, brand: InBrand = "") -> int:
        from ._files import undelete
        from ._session import run

        return run(f"{kind} undelete", lambda client: undelete(name, getattr(client, kind).undelete(name, brand)))

    return group


products = _children("products", "Products of a brand: the facts that ads may state.")
exemplars = _children("exemplars", "Ads that people wrote and approved, to learn the voice from.")
