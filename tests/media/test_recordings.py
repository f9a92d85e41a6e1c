"""Of a recording the sound stays as it is; what is written around it goes."""

import io
import struct

import pytest

from evaltrack.media import Unfit, ogg
from tests.media import files


def through(content: bytes) -> tuple[bytes, str, tuple[str, ...]]:
    out, clean = files.through(content)
    assert (clean.kind, clean.width, clean.height) == ("audio", 0, 0)
    return out, clean.content_type, clean.removed


WITH_NOTES = {
    "audio/wav": files.wav_with_notes(),
    "audio/mpeg": files.mp3_with_notes(),
    "audio/ogg": files.opus(),
}


@pytest.mark.parametrize("content_type", WITH_NOTES)
def test_tags_go_and_cleaning_again_changes_nothing(content_type):
    content = WITH_NOTES[content_type]
    assert files.SECRET in content
    out, found, removed = through(content)
    assert found == content_type
    assert removed
    assert files.SECRET not in out
    assert through(out)[0] == out


def test_a_wav_is_its_format_and_its_samples():
    out, _, removed = through(files.wav_with_notes())
    assert out == files.wav(files.PCM, files.chunk(b"data", files.SAMPLES))
    assert removed == ("LIST", "id3", "what followed the samples")


def test_frames_of_an_mp3_stay_and_the_encoders_note_keeps_its_counts_alone():
    out, _, removed = through(files.mp3_with_notes())
    assert out[417:] == files.FRAME * 40
    assert out[36:48] == b"Xing" + struct.pack(">II", 1, 40)
    assert not out[48:417].strip(b"\0")
    assert removed == ("ID3", "the encoder's name", "APE", "ID3v1")


def pages(content: bytes) -> list[ogg.Page]:
    return list(ogg.read(io.BytesIO(content)))


@pytest.mark.parametrize(
    "content", [files.opus(), files.opus(b"PICTURE=" + b"zz-secret" * 20_000), files.vorbis()]
)
def test_an_ogg_keeps_every_packet_but_its_comments_and_every_sum_is_right(content):
    out, *_ = through(content)
    assert len(out) == len(content)
    assert files.SECRET not in out
    before, after = pages(content), pages(out)
    changed = [
        place for place, (one, two) in enumerate(zip(before, after, strict=True)) if one.body != two.body
    ]
    assert changed == list(range(1, len(changed) + 1))
    for each in after:
        assert each.written()[22:26] == each.header[22:26]


def test_what_follows_the_comments_of_vorbis_on_their_page_stays():
    out, *_ = through(files.vorbis())
    comments, setup = pages(out)[1].body.split(b"\x05vorbis")
    assert setup == b"\x33" * 300
    assert comments.rstrip(b"\0") == b"\x03vorbis" + b"\0" * 8 + b"\x01"


def broken() -> dict[str, bytes]:
    opus, mp3, wav = (
        files.opus(),
        files.mp3_with_notes(),
        files.wav(files.PCM, files.chunk(b"data", files.SAMPLES)),
    )
    stranger = files.page(b"\x80theora", files.lacing(7), number=0, flags=ogg.FIRST, serial=4)
    return {
        "wav cut in its samples": wav[:-40],
        "wav cut in its format": wav[:30],
        "wav without samples": files.wav(files.PCM),
        "wav with samples before their format": files.wav(files.chunk(b"data", b"11"), files.PCM),
        "wav of another encoding": files.wav(
            files.chunk(b"fmt ", struct.pack("<HHIIHH", 85, 1, 8000, 16000, 2, 16)),
            files.chunk(b"data", b"11"),
        ),
        "mp3 cut in a frame": files.FRAME * 3 + files.FRAME[:100],
        "mp3 that is a page": files.FRAME + b"<script>alert(1)</script>" + files.FRAME,
        "mp3 of tags alone": mp3[: len(mp3) - len(files.FRAME) * 41 - 300][:20],
        "ogg cut in a page": opus[:-10],
        "ogg cut between pages": files.opus(last=0),
        "ogg with a picture that moves": opus[:47] + stranger + opus[47:],
        "ogg that is a page": opus[:47] + b"<script>alert(1)</script>" + opus[47:],
        "ogg without sound": stranger,
    }


@pytest.mark.parametrize("name", broken())
def test_what_cannot_be_cleaned_is_refused_in_words(name):
    with pytest.raises(Unfit) as refused:
        files.through(broken()[name])
    assert len(str(refused.value)) > 20
