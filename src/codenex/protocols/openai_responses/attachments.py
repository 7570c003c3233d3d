"""Images, files and sound of the hub as content of messages and of tool outputs."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.media import data_url, extension, is_text, text_of
from codenex.core.parts import Media
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_responses.items import AUDIO_TYPES
from codenex.protocols.openai_responses.types import NAME, SAME_VENDOR

Content = dict[str, Any]

_AUDIO_FORMATS = {media_type: word for word, media_type in AUDIO_TYPES.items()}


def attachment(part: Media, protocol: str, capabilities: Capabilities, losses: Losses, path: str) -> Content:
    """Return the content of a file that came by ``protocol``. Raises ``unsupported`` for what the target can't take."""
    if part.file_id is not None and protocol not in SAME_VENDOR:
        raise unsupported("A file id of another vendor can't be used at this target: send the file itself.", param=path)
    if part.url is not None and part.kind not in capabilities.url_media:
        raise unsupported(f"This target doesn't fetch {part.kind}s by URL: send the {part.kind} itself.", param=path)
    if part.kind not in capabilities.media_kinds:
        raise unsupported(f"This target doesn't take media of the kind {part.kind}.", param=path)
    if part.signature is not None:
        losses.drop(f"{path}.signature", "a signature of another vendor")
    match part.kind:
        case "image":
            return _image(part, own=protocol == NAME)
        case "document":
            return _document(part, own=protocol == NAME)
        case "audio":
            word = _AUDIO_FORMATS.get(part.media_type if part.media_type is not None else "")
            if part.data is None or word is None:
                raise unsupported("This target takes sound as inline wav or mp3 only.", param=path)
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": word}}
        case "video":
            raise unsupported("This target doesn't take videos.", param=path)
        case _:
            assert_never(part.kind)


def _image(part: Media, *, own: bool) -> Content:
    content: Content = {"type": "input_image"}
    if part.file_id is not None:
        content["file_id"] = part.file_id
    elif part.data is not None:
        content["image_url"] = data_url(part.media_type, part.data)
    else:
        content["image_url"] = part.url
    if part.detail is not None or not own:
        content["detail"] = part.detail if part.detail is not None else "auto"
    return content


def _document(part: Media, *, own: bool) -> Content:
    title = part.filename if part.filename is not None else part.title
    plain = part.text
    if plain is None and part.data is not None and is_text(part.media_type) and not own:
        plain = text_of(part.data)
    if plain is not None:
        return {"type": "input_text", "text": f"{title}\n\n{plain}" if title is not None else plain}
    content: Content = {"type": "input_file"}
    if part.file_id is not None:
        return content | {"file_id": part.file_id}
    if part.data is not None:
        # OpenAI refuses file data without a name.
        named = title if title is not None else f"file.{extension(part.media_type)}"
        return content | {"filename": named, "file_data": data_url(part.media_type, part.data)}
    return content | ({"filename": title} if title is not None and own else {}) | {"file_url": part.url}
