"""Endpoints for the files below the configuration's folder: list, show, export, remove, and upload credentials."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from codenex.control.administration import Refusal
from codenex.control.changing import configuration_file
from codenex.control.config_files import Folder, ListedFile, Unreadable, uses_of
from codenex.control.errors import ConfigurationError
from codenex.control.files import POOLS
from codenex.control.gone_files import GoneFile, put_back, taken
from codenex.control.part import ControlPart
from codenex.control.state import Part
from codenex.control.trash import PutBack, Undo
from codenex.control.uploads import CREDENTIAL_FOLDERS, folder_of, keep, parsed_form
from codenex.store.sealing import SealingError, sealing_of

_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "provider"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "provider": {
                        "type": "string",
                        "enum": [n for folder in CREDENTIAL_FOLDERS for n in (folder.name, folder.provider)],
                    },
                },
            }
        }
    },
}


class Use(BaseModel):
    """One account that names a file."""

    type: str
    location: str
    providerType: str  # noqa: N815
    providerIndex: int  # noqa: N815
    configKey: str  # noqa: N815
    uuid: Any


class UsageInfo(BaseModel):
    """Who names a file."""

    isUsed: bool  # noqa: N815
    usageType: str | None  # noqa: N815
    usageDetails: list[Use]  # noqa: N815


class FileShown(BaseModel):
    """One file; ``preview`` is the beginning of what may be seen of it."""

    name: str
    path: str
    size: int
    type: str
    provider: str | None
    extension: str
    modified: str
    expiresAt: str | None  # noqa: N815
    isValid: bool  # noqa: N815
    errorMessage: str | None  # noqa: N815
    isUsed: bool  # noqa: N815
    usageInfo: UsageInfo  # noqa: N815
    preview: str


class FileContent(BaseModel):
    """The text of a file, with its secrets masked."""

    path: str
    name: str
    content: str
    size: int
    modified: str


class FileRemoved(BaseModel):
    """The file that is there no more; ``undo`` is the way back."""

    success: bool = True
    message: str
    filePath: str  # noqa: N815
    undo: Undo | None = None


class FilesRemoved(BaseModel):
    """Files that are there no more, and those that could not be removed."""

    success: bool
    message: str
    deletedCount: int  # noqa: N815
    deletedFiles: list[str]  # noqa: N815
    failedCount: int  # noqa: N815
    failedFiles: list[str]  # noqa: N815
    undo: Undo | None = None


class FileUploaded(BaseModel):
    """Where an uploaded file is."""

    success: bool = True
    message: str
    filePath: str  # noqa: N815
    originalName: str  # noqa: N815
    provider: str


def files_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.get("/upload-configs")
    async def files(part: Part) -> list[FileShown]:
        """The files below the configuration's folder, without links and hidden ones."""
        return await asyncio.to_thread(_listed, part)

    @router.get("/upload-configs/view/{path:path}")
    async def view(path: str, part: Part) -> FileContent:
        """The text of one file, with its secrets masked."""
        return await asyncio.to_thread(_viewed, part, path)

    @router.get("/upload-configs/download/{path:path}", response_class=Response, responses=_octets("text/plain"))
    async def download(path: str, part: Part) -> Response:
        """One file, with its secrets masked."""
        found = await asyncio.to_thread(_viewed, part, path)
        name = found.name.encode("ascii", "replace").decode().replace('"', "_").replace("\\", "_")
        return Response(found.content.encode(), media_type="text/plain; charset=utf-8", headers=_attachment(name))

    @router.get("/upload-configs/download-all", response_class=Response, responses=_octets("application/zip"))
    async def download_all(part: Part) -> Response:
        """A ZIP of all files. Secrets are masked, and files that are nothing else are left out, which a note in it
        tells."""
        data = await asyncio.to_thread(lambda: _folder(part).exported())
        moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        return Response(data, media_type="application/zip", headers=_attachment(f"configs_backup_{moment}.zip"))

    @router.delete("/upload-configs/delete-unbound")
    async def delete_unbound(part: Part) -> FilesRemoved:
        """Remove the credential files that no account names."""
        done, gone = await asyncio.to_thread(_remove_unbound, part)
        done.undo = _undo_of(part, gone)
        _publish(part, "batch_delete", ", ".join(done.deletedFiles))
        return done

    @router.delete("/upload-configs/delete/{path:path}")
    async def delete(
        path: str,
        part: Part,
        force: Annotated[bool, Query(description="Also where an account names it.")] = False,
    ) -> FileRemoved:
        """Remove one file. The server's own files and those that an account names stay. ``undo`` is the way back, for a
        minute."""
        gone = await asyncio.to_thread(_remove, part, path, force)
        _publish(part, "delete", gone.name)
        return FileRemoved(message="File deleted successfully", filePath=gone.name, undo=_undo_of(part, [gone]))

    @router.post("/upload-oauth-credentials", status_code=200, openapi_extra={"requestBody": _FORM})
    async def upload(request: Request, part: Part) -> FileUploaded:
        """Upload a file with credentials of a Google type. ``POST /api/quick-link-provider`` makes an account of it."""
        form = parsed_form(request.headers.get("content-type", ""), await request.body())
        folder = folder_of(form.fields.get("provider", ""))
        try:
            sealing = sealing_of(part.settings.credentials_key_file)
            relative = await asyncio.to_thread(keep, Path(part.settings.config_dir), folder, form, sealing)
        except SealingError as error:
            raise Refusal(409, f"the file can't be encrypted: {error}") from error
        except OSError as error:
            raise Refusal(507, f"the file can't be kept: {error.strerror}") from error
        _publish(part, "add", f"configs/{relative}")
        return FileUploaded(
            message="the file was uploaded",
            filePath=f"configs/{relative}",
            originalName=form.name[:255],
            provider=folder.name,
        )

    return router


def _octets(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}, "description": "The file."}}


def _attachment(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}


def _folder(part: ControlPart) -> Folder:
    try:
        return Folder(Path(part.settings.config_dir))
    except OSError as error:
        raise Refusal(500, f"the folder can't be read: {error.strerror}") from error


def _uses(part: ControlPart, files: list[ListedFile]) -> dict[str, list[dict[str, Any]]]:
    """Return who names which file; of a file of pools that can't be read, nobody knows."""
    try:
        pools, _ = configuration_file(part, POOLS).read()
    except ConfigurationError as error:
        raise Refusal(409, f"it can't be told which files are in use: {error}") from None
    return uses_of(files, pools)


def _listed(part: ControlPart) -> list[FileShown]:
    folder = _folder(part)
    try:
        uses = _uses(part, folder.files)
    except Refusal:
        uses = {}
    return [FileShown.model_validate(folder.described(file, uses.get(file.name, []))) for file in folder.files]


def _found(folder: Folder, path: str) -> ListedFile:
    file = folder.file(path)
    if file is None:
        raise Refusal(404, "File does not exist")
    return file


def _viewed(part: ControlPart, path: str) -> FileContent:
    folder = _folder(part)
    file = _found(folder, path)
    try:
        content = folder.content(file)
    except Unreadable as error:
        raise Refusal(409, f"{file.name} can't be shown: {error}") from None
    modified = datetime.fromtimestamp(file.modified, UTC).isoformat(timespec="milliseconds")
    return FileContent(path=file.name, name=file.place.name, content=content, size=file.size, modified=modified)


def _remove(part: ControlPart, path: str, force: bool) -> GoneFile:
    folder = _folder(part)
    file = _found(folder, path)
    if file.kept:
        raise Refusal(403, f"{file.name} belongs to the server itself: its content has endpoints of its own")
    if not force and (uses := _uses(part, [file]).get(file.name)):
        raise Refusal(409, f"{file.name} is used by {uses[0]['location']}; force=true removes it all the same")
    return _taken(file)


def _remove_unbound(part: ControlPart) -> tuple[FilesRemoved, list[GoneFile]]:
    folder = _folder(part)
    uses = _uses(part, folder.files)
    names = {one.name for one in CREDENTIAL_FOLDERS}
    removed: list[GoneFile] = []
    failed: list[str] = []
    for file in folder.files:
        if file.relative.partition("/")[0] in names and "/" in file.relative and file.name not in uses:
            try:
                removed.append(_taken(file))
            except Refusal:
                failed.append(file.name)
    done = FilesRemoved(
        success=not failed,
        message=f"{len(removed)} files were removed",
        deletedCount=len(removed),
        deletedFiles=[one.name for one in removed],
        failedCount=len(failed),
        failedFiles=failed,
    )
    return done, removed


def _taken(file: ListedFile) -> GoneFile:
    try:
        return taken(file)
    except FileNotFoundError:
        raise Refusal(404, "File does not exist") from None
    except OSError as error:
        raise Refusal(507, f"{file.name} can't be removed: {error.strerror}") from error


def _undo_of(part: ControlPart, gone: list[GoneFile]) -> Undo | None:
    """Keep deleted files for a minute; ``None`` where there are none or they are too large."""
    if not gone or any(one.content is None for one in gone):
        return None

    async def restore() -> PutBack:
        done = await asyncio.to_thread(put_back, gone)
        for name in done.restored:
            _publish(part, "restore", name)
        return done

    return part.trash.keep(sum(len(one.content or b"") for one in gone), restore)


def _publish(part: ControlPart, action: str, path: str) -> None:
    part.events.publish("config_update", {"action": action, "filePath": path, "type": "file"})
