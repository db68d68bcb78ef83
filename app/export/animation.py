"""The network plot turning once, as MP4 or GIF: each frame a figure, the last before the first.

Nothing depends on the clock: the camera is moved frame by frame, so a slow machine makes the same.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.export.asked import ExportError

if TYPE_CHECKING:
    from PIL.Image import Image

FEWEST = 60  # frames of one turn
MP4_PER_SECOND = 24
GIF_MILLISECONDS = 40  # a GIF counts in hundredths
GIF_WIDTH = 960
COLOURS = 255
SAMPLES = 6  # frames that the colours of a GIF are taken from
THREADS = "2"  # of the encoder; another number gives another file


def to_mp4(frames: Iterable[bytes], comments: Mapping[str, str]) -> bytes:
    """Frames as PNG -> H.264 in MP4, as every browser and slide program plays it.

    comments  what the file says of itself: title, comment
    """
    import imageio_ffmpeg  # type: ignore[import-untyped]

    told = [part for key, text in comments.items() for part in ("-metadata", f"{key}={text}")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turn.mp4"
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
            "-f", "image2pipe", "-framerate", str(MP4_PER_SECOND), "-c:v", "png", "-i", "-",
            "-c:v", "libx264", "-preset", "medium", "-crf", "18", "-pix_fmt", "yuv420p",
            "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709",
            "-color_primaries", "bt709", "-color_trc", "bt709", "-threads", THREADS,
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", *told,
            "-movflags", "+faststart", str(path),
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as encoder:
            assert encoder.stdin is not None
            assert encoder.stderr is not None
            try:
                for frame in frames:
                    encoder.stdin.write(frame)
                encoder.stdin.close()
            except BrokenPipeError:
                pass  # it has ended, and says why
            said = encoder.stderr.read().decode(errors="replace").strip()
        if encoder.returncode:
            raise ExportError(f"ffmpeg could not encode the animation: {said.splitlines()[-1:]}")
        return path.read_bytes()


def to_gif(frames: Iterable[bytes], comment: str) -> bytes:
    """Frames as PNG -> GIF that loops for ever, 960 pixels wide, all frames in the same colours."""
    pictures = [_small(frame) for frame in frames]
    palette = _palette(pictures)
    from PIL.Image import Dither

    dither = Dither.NONE
    made = [one.quantize(palette=palette, dither=dither) for one in pictures]
    out = io.BytesIO()
    made[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=made[1:],
        duration=GIF_MILLISECONDS,
        loop=0,
        comment=comment.encode("utf-8"),
        optimize=False,
    )
    return out.getvalue()


def _small(frame: bytes) -> Image:
    from PIL import Image

    picture = Image.open(io.BytesIO(frame)).convert("RGB")
    high = round(picture.height * GIF_WIDTH / picture.width)
    return picture.resize((GIF_WIDTH, high), Image.Resampling.LANCZOS)


def _palette(pictures: list[Image]) -> Image:
    """The colours of a few frames together, rare ones too."""
    from PIL import Image

    width, height = pictures[0].size
    chosen = [pictures[at * len(pictures) // SAMPLES] for at in range(SAMPLES)]
    together = Image.new("RGB", (width, height * SAMPLES))
    for place, picture in enumerate(chosen):
        together.paste(picture, (0, place * height))
    return together.quantize(
        COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
    )


def parts_of_turn(frames: int) -> Iterator[float]:
    """Where the camera stands in each frame, as a part of one turn; the first comes after the last.

    Raises ExportError for fewer frames than a turn needs to look like one.
    """
    if frames < FEWEST:
        raise ExportError(f"--frames: expected {FEWEST} or more, found {frames}")
    return (frame / frames for frame in range(frames))
