"""A picture in memory: 8 bit RGB, alpha, ICC profile and EXIF, read from any common file and written back whole."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from unshrink.errors import UnsupportedPictureError, UsageError
from unshrink.files import colour
from unshrink.files import exif as exif_blocks
from unshrink.files.checks import check_mode, check_size
from unshrink.files.decoders import Decoded, decode_image
from unshrink.files.disk import Source, read_bytes, source_name, write_bytes
from unshrink.files.encoders import encode_image, format_for
from unshrink.files.formats import Job, PictureFile
from unshrink.files.metadata import Metadata, upright_xmp
from unshrink.files.pillow import samples_of, translated
from unshrink.files.sniff import open_file
from unshrink.limits import DEFAULT_LIMITS, Limits

__all__ = ["Picture", "picture_from_bytes", "picture_from_file", "read_picture", "turned", "upright_picture"]


@dataclass(frozen=True, eq=False)
class Picture:
    """Upright 8 bit pixels with what belongs to them.  Raises ``UsageError`` where the arrays do not fit together."""

    rgb: NDArray[np.uint8]
    """Colour, (H, W, 3), C-contiguous; the three channels are equal where ``grey``."""

    _: KW_ONLY

    alpha: NDArray[np.uint8] | None = None
    """Opacity, (H, W), 255 is opaque; None where the picture has no alpha channel."""

    grey: bool = False
    """The picture was grey and is written as grey."""

    icc: bytes | None = None
    """The ICC profile, as it stood in the file."""

    exif: bytes | None = None
    """The EXIF block as a TIFF structure, byte for byte but for what says how the pixels lie."""

    xmp: bytes | None = None
    """The XMP packet, as it stood in the file but for its orientation."""

    dpi: tuple[float, float] | None = None
    """Pixels an inch, across and down, as the file stated them."""

    notes: tuple[str, ...] = ()
    """What of the file is not kept here or was amiss in it, each a clause such as "its IPTC is not kept"."""

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.size == 0:
            raise UsageError(f"A picture needs uint8 colour of shape (H, W, 3), not {self.rgb.dtype} {self.rgb.shape}.")
        if self.alpha is not None and (self.alpha.dtype != np.uint8 or self.alpha.shape != self.size):
            raise UsageError(f"Alpha must be uint8 of shape {self.size}, not {self.alpha.dtype} {self.alpha.shape}.")
        if self.grey and not _channels_equal(self.rgb):
            raise UsageError("A grey picture needs three equal colour channels; pass grey=False, or average them.")
        object.__setattr__(self, "icc", self.icc or None)
        object.__setattr__(self, "exif", exif_blocks.fitted(self.exif, self.size))
        object.__setattr__(self, "xmp", self.xmp or None)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.rgb.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels, in this order."""
        return self.height, self.width

    @property
    def samples(self) -> NDArray[np.uint8]:
        """The pixels as they are written: (H, W, C) with C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""
        colour = self.rgb[..., :1] if self.grey else self.rgb
        if self.alpha is None:
            return np.ascontiguousarray(colour)
        return np.concatenate([colour, self.alpha[..., None]], axis=2)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The pixels as numpy sees a PIL image: uint8 (H, W) where the picture is grey, else (H, W, 2, 3 or 4)."""
        samples = self.samples
        array = samples[..., 0] if samples.shape[2] == 1 else samples
        if copy is False and (not np.shares_memory(array, self.rgb) or dtype not in (None, np.uint8)):
            raise ValueError("These pixels cannot be given without a copy; leave copy out.")
        return array.astype(dtype or np.uint8, copy=copy is not False)

    def _repr_png_(self) -> bytes:
        """The picture for notebooks."""
        return self.encode("png")

    @property
    def metadata(self) -> Metadata:
        """What belongs to the pixels, as it is written."""
        return Metadata(icc=self.icc, exif=self.exif, xmp=self.xmp, dpi=self.dpi)

    def without_metadata(self) -> Picture:
        """The same pixels with their colour profile and nothing else."""
        return replace(self, exif=None, xmp=None, dpi=None)

    def to_pil(self) -> Image.Image:
        """Return a Pillow image of mode L, LA, RGB or RGBA, with ICC profile and EXIF in its ``info``."""
        image = self._bare_image()
        image.info.update({"icc_profile": self.icc} if self.icc else {})
        image.info.update({"exif": exif_blocks.JPEG_PREFIX + self.exif} if self.exif else {})
        image.info.update({"xmp": self.xmp} if self.xmp else {})
        image.info.update({"dpi": self.dpi} if self.dpi else {})
        return image

    @classmethod
    def from_pil(cls, image: Image.Image) -> Picture:
        """Return the picture that a Pillow image shows, turned upright by its EXIF orientation.

        Raises ``UnsupportedPictureError`` for modes of more than 8 bits, CMYK, and images of several frames.
        """
        name = "The image given"
        check_mode(image.mode, name)
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise UnsupportedPictureError(f"{name} has several frames; copy one of them first (image.copy()).")
        check_size(image.size, DEFAULT_LIMITS.max_hr_pixels, name)
        with translated(name):
            image.load()
            block = image.info.get("exif") or exif_blocks.from_tags(image)
            samples = samples_of(image)
        xmp, dpi = image.info.get("xmp"), image.info.get("dpi")
        metadata = Metadata(
            icc=image.info.get("icc_profile"),
            exif=block,
            xmp=xmp if isinstance(xmp, bytes) else None,
            dpi=dpi if exif_blocks.is_resolution(dpi) else None,
        )
        return upright_picture(Decoded(samples, metadata))

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Picture:
        """Return a copy of ``array``: uint8, (H, W) or (H, W, C), C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.

        Raises ``UnsupportedPictureError`` for other types and shapes.
        """
        if array.dtype != np.uint8:
            raise UnsupportedPictureError(f"The array holds {array.dtype}; give uint8 with values from 0 to 255.")
        samples = array[..., None] if array.ndim == 2 else array
        if samples.ndim != 3 or samples.shape[2] not in (1, 2, 3, 4) or samples.size == 0:
            raise UnsupportedPictureError(f"The array has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4).")
        return upright_picture(Decoded(samples.copy()))

    def encode(self, format: str = "png", *, quality: int | None = None) -> bytes:
        """Return the bytes of a file: "png", "webp" (lossless), "tiff", "jpeg" (4:4:4) or "bmp".

        ``quality`` is that of a JPEG, 1 to 100, by default 95; others have none. Raises ``UsageError`` for another
        quality and where the format has no alpha channel and the picture has, and ``LimitError``.
        """
        if quality is not None and not 1 <= quality <= 100:
            raise UsageError(f"A JPEG's quality goes from 1 to 100; {quality} is outside.")
        return encode_image(replace(self.job(), quality=quality), format)

    def job(self, *, body: bytes | None = None, limits: Limits = DEFAULT_LIMITS) -> Job:
        """Return what ``encode_image`` needs to write this picture, with ``body``, if any, inside the file."""
        return Job(image=self._bare_image(), metadata=self.metadata, body=body, limits=limits)

    def _bare_image(self) -> Image.Image:
        samples = self.samples
        return Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the picture to ``path`` in the format that its extension names, all or nothing.

        Raises ``UsageError`` for an unknown extension, and what ``encode`` and ``write_bytes`` raise.
        """
        write_bytes(path, self.encode(format_for(os.fspath(path))), overwrite=overwrite)


def read_picture(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read the picture in a file, a binary stream or bytes; its kind is told by its content, not by its name.

    It comes out upright, palettes resolved, with alpha, ICC profile and EXIF.  Raises ``UnreadableInputError`` for
    what is missing, damaged or no picture, ``UnsupportedPictureError`` for what would lose something (animation, pages,
    more than 8 bits, CMYK), and ``LimitError`` before anything large is allocated.
    """
    data = read_bytes(source, limits=limits)
    return picture_from_bytes(data, max_pixels=limits.max_hr_pixels, limits=limits, name=source_name(source))


def picture_from_bytes(data: bytes, *, max_pixels: int, limits: Limits, name: str) -> Picture:
    """The same for bytes in memory, with a pixel limit of its own; `name` is what messages call them."""
    return picture_from_file(open_file(data, name), max_pixels=max_pixels, limits=limits)


def picture_from_file(file: PictureFile, *, max_pixels: int, limits: Limits) -> Picture:
    """The same for a file that has been taken apart."""
    return upright_picture(decode_image(file, max_pixels=max_pixels, limits=limits))


def upright_picture(decoded: Decoded) -> Picture:
    """What was decoded, turned upright by its EXIF orientation."""
    metadata, notes = decoded.metadata, decoded.notes
    turn = exif_blocks.orientation(metadata.exif)
    samples = exif_blocks.orient(decoded.samples, turn)
    if turn != 1 and exif_blocks.has_preview(metadata.exif):
        notes = (*notes, "the preview in its EXIF lay on its side and is dropped")
    channels = samples.shape[2]
    grey, has_alpha = channels < 3, channels in (2, 4)
    icc, note = colour.fitting(metadata.icc, grey=grey)
    notes = (*notes, note) if note else notes
    rgb = np.repeat(samples[..., :1], 3, axis=2) if grey else np.ascontiguousarray(samples[..., :3])
    alpha = np.ascontiguousarray(samples[..., -1]) if has_alpha else None
    xmp = metadata.xmp if turn == 1 else upright_xmp(metadata.xmp)
    return Picture(rgb, alpha=alpha, grey=grey, icc=icc, exif=metadata.exif, xmp=xmp, dpi=metadata.dpi, notes=notes)


def turned(picture: Picture, orientation: int) -> Picture:
    """`picture` turned as that EXIF orientation, 1 to 8, says."""
    if orientation == 1:
        return picture
    alpha = None if picture.alpha is None else exif_blocks.orient(picture.alpha, orientation)
    return replace(picture, rgb=exif_blocks.orient(picture.rgb, orientation), alpha=alpha)


def _channels_equal(rgb: NDArray[np.uint8]) -> bool:
    return np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2])
