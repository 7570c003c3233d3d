"""Uploaded credential files: read from a form, checked, and kept below the configuration's folder."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import msgspec

from codenex.control.administration import Refusal
from codenex.providers.google.service import SERVICES
from codenex.store.files import create_once
from codenex.store.sealing import PLAIN, Sealing

#: Bytes.
UPLOAD_LIMIT = 5 * 1024 * 1024
_EXTENSIONS = frozenset({".json", ".txt", ".key", ".pem", ".p12", ".pfx"})
_NAME_LIMIT = 100


class CredentialFolder(msgspec.Struct, frozen=True):
    """Where files with credentials of a provider type lie, and the field of an account that names one."""

    name: str
    provider: str
    field: str


CREDENTIAL_FOLDERS = tuple(
    CredentialFolder(service.folder, service.name, service.file_field) for service in SERVICES.values()
)


class Upload(msgspec.Struct, frozen=True):
    """A file from a form."""

    name: str
    content: bytes
    fields: Mapping[str, str]


def parsed_form(content_type: str, body: bytes) -> Upload:
    """Return the file and the fields of a form. Raises :class:`Refusal` (400, 415)."""
    if not content_type.lower().startswith("multipart/form-data"):
        raise Refusal(415, "send a form (multipart/form-data) with the fields file and provider")
    message = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    fields: dict[str, str] = {}
    file: tuple[str, bytes] | None = None
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            continue
        if name == "file":
            file = part.get_filename() or "", content
        else:
            fields[name] = content.decode("utf-8", "replace").strip()
    if file is None:
        raise Refusal(400, "the form has no file")
    return Upload(file[0], file[1], fields)


def folder_of(name: str) -> CredentialFolder:
    """Return the folder of a provider type, under its own name or the type's. Raises :class:`Refusal`, 400."""
    for folder in CREDENTIAL_FOLDERS:
        if name in (folder.name, folder.provider):
            return folder
    known = ", ".join(folder.provider for folder in CREDENTIAL_FOLDERS)
    raise Refusal(400, f"provider: {name[:64]!r} has no credential files; {known} have")


def keep(
    configs: Path, folder: CredentialFolder, upload: Upload, sealing: Sealing = PLAIN, wall: float | None = None
) -> str:
    """Keep a file that nobody else can read, encrypted where there is a key for that; return its path below
    ``configs``. Raises :class:`Refusal` (400, 413) and
    ``OSError``."""
    name = sanitised(upload.name)
    suffix = Path(name).suffix.lower()
    if suffix not in _EXTENSIONS:
        raise Refusal(400, f"file: its name must end in one of {', '.join(sorted(_EXTENSIONS))}")
    if len(upload.content) > UPLOAD_LIMIT:
        raise Refusal(413, f"file: it has more than {UPLOAD_LIMIT} bytes")
    if not upload.content.strip():
        raise Refusal(400, "file: it is empty")
    if suffix == ".json":
        _check_json(upload.content)
    content = sealing.sealed(upload.content)
    moment = int((time.time() if wall is None else wall) * 1000)
    target = configs / folder.name
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise Refusal(409, f"{folder.name} is no folder of the configuration")
    while not create_once(target / f"{moment}_{name}", content):
        moment += 1
    return f"{folder.name}/{moment}_{name}"


def sanitised(name: str) -> str:
    """Return the last part of a file's name, without anything that a path or a shell would take for its own."""
    last = re.split(r"[/\\]", name)[-1]
    stem, dot, suffix = re.sub(r"[^A-Za-z0-9._-]", "_", last).rpartition(".")
    return f"{stem.strip('.')[:_NAME_LIMIT] or 'credentials'}{dot}{suffix}"


def _check_json(content: bytes) -> None:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"file: this is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refusal(400, "file: a JSON file with credentials holds an object")
