"""Videos as people have them: each kind goes on, or is refused with one line that says what to do."""

from __future__ import annotations

import os
import shlex
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.film.continued import ContinuedFilm
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.companions import misfits
from skyreels_cli.media.reader import read_tail
from skyreels_cli.media.video import Orientation, Video, steady_video
from skyreels_cli.recipe.schema import Recipe
from tests.second_reader import description, ffmpeg, frame_hashes, hashes, picture_times, read_rgb, sound_hash

from .test_continued import UNUSED

TAIL = 5
LOSSLESS = ("-c:v", "ffv1", "-level", 3, "-g", 1, "-slicecrc", 1, "-pix_fmt", "bgr0")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def picture(rate: object = 25, size: str = "64x48") -> tuple[str, ...]:
    """Slow smooth colours, kind to lossy codecs."""
    return ("-f", "lavfi", "-i", f"gradients=s={size}:r={rate}:n=8:seed=3:speed=0.05")


def sound(seconds: float, pitch: int = 440) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=d={seconds}:f={pitch}")


def extend(video: Path, output: Path, codec: str = "h264", resolution: str = "64x48") -> Video:
    """Put the video's own last frames behind it once more, as a film does with new ones; look at the result."""
    film = {"video": str(video), "resolution": resolution, "overlap_history": TAIL, "codec": codec}
    with WorkFolder(work_folder(output)) as work:
        tail = VideoTail(work.path)
        delivery = ContinuedFilm(Recipe.model_validate(UNUSED | film), work, output, tail)
        list(delivery.begin())
        piece = work.path / f"piece{delivery.piece_suffix}"
        with delivery.encoder(piece) as encoder:
            encoder.write(tail.read().numpy())
        delivery.join([(piece, TAIL)], output, "told")
    before, after = steady_video(video), steady_video(output)
    assert after.frames == before.frames + TAIL
    assert after.fps == before.fps
    assert after.times.even(after.fps, since=before.frames - 1)
    return after


def repeats(video: Video, within: float = 4) -> None:
    """The last frames are those before them once more, at the same place, in the same colours."""
    frames = read_tail(video, 2 * TAIL, *video.shown_size).astype(int)
    assert np.abs(frames[:TAIL] - frames[TAIL:]).mean() < within


def refused(path: Path) -> tuple[str, str]:
    with pytest.raises(UsageError) as error:
        steady_video(path)
    assert "\n" not in error.value.message
    assert error.value.hint
    return error.value.code, error.value.message


class TestTimes:
    """Rates that vary, begin late or are told badly."""

    def test_a_variable_rate_is_refused_with_the_cure(self, tmp_path: Path) -> None:
        gaps = ("-vf", "select='gt(random(1),0.5)'", "-fps_mode", "vfr")
        ffmpeg(*picture(30), "-t", 2, *gaps, *H264, tmp_path / "a.mp4")
        assert refused(tmp_path / "a.mp4")[0] == "video-variable-rate"

    def test_a_gif_of_uneven_delays_too(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (64, 48), (n * 20, 0, 0)) for n in range(12)]
        delays = [40, 200, 90, 1000] * 3
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=delays)
        assert refused(tmp_path / "a.gif")[0] == "video-variable-rate"

    def test_dropped_frames_leave_the_sound_where_it_was(self, tmp_path: Path) -> None:
        drops = ("-vf", "select='not(between(n,20,22))'", "-fps_mode", "vfr")
        ffmpeg(*picture(25), *sound(4), "-t", 4, *drops, "-c:v", "mpeg4", "-c:a", "aac", tmp_path / "a.mp4")
        film = extend(tmp_path / "a.mp4", tmp_path / "out.mkv")
        assert film.duration_s == pytest.approx(4.2, abs=0.002)

    @pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "60000/1001", "12.5"])
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
    def test_broadcast_rates(self, tmp_path: Path, rate: str, suffix: str) -> None:
        ffmpeg(*picture(rate), "-frames:v", 30, *H264, tmp_path / f"a{suffix}")
        film = extend(tmp_path / f"a{suffix}", tmp_path / f"out{suffix}")
        assert film.fps == Fraction(rate)
        tick, shown = picture_times(tmp_path / f"out{suffix}")
        assert all(abs(at * tick - n / Fraction(rate)) <= tick for n, at in enumerate(shown))

    def test_two_frames_at_one_time(self, tmp_path: Path) -> None:
        """As films of several windows were written once: the times of frames 10 and 11 are the same."""
        ffmpeg(*picture(25), "-frames:v", 50, *LOSSLESS, tmp_path / "even.mkv")
        with av.open(tmp_path / "even.mkv") as even, av.open(tmp_path / "a.mkv", "w") as written:
            stream = written.add_stream_from_template(even.streams.video[0], opaque=True)
            for n, packet in enumerate(packet for packet in even.demux() if packet.size):
                packet.pts = packet.dts = 40 * (n - (n > 10))
                packet.stream = stream
                written.mux(packet)
        assert len(set(steady_video(tmp_path / "a.mkv").times.ticks)) == 49
        film = extend(tmp_path / "a.mkv", tmp_path / "out.mkv", "ffv1")
        assert len(set(film.times.ticks)) == 50 + TAIL
        assert frame_hashes(tmp_path / "out.mkv")[:50] == frame_hashes(tmp_path / "a.mkv")

    @pytest.mark.parametrize("name", ["a.h264", "a.avi"])
    def test_a_format_that_keeps_no_times(self, tmp_path: Path, name: str) -> None:
        ffmpeg(*picture(25), "-frames:v", 30, *H264, tmp_path / name)
        repeats(extend(tmp_path / name, tmp_path / "out.mp4"))

    def test_b_frames_at_the_end(self, tmp_path: Path) -> None:
        ffmpeg(*picture(), "-frames:v", 30, *H264, "-bf", 7, "-x264-params", "b-adapt=0:keyint=90", tmp_path / "a.mp4")
        repeats(extend(tmp_path / "a.mp4", tmp_path / "out.mp4"))
        assert frame_hashes(tmp_path / "out.mp4")[:30] == frame_hashes(tmp_path / "a.mp4")

    def test_a_cut_that_begins_between_key_frames(self, tmp_path: Path) -> None:
        ffmpeg(*picture(), "-frames:v", 40, *H264, "-g", 20, tmp_path / "whole.mp4")
        ffmpeg("-ss", 0.4, "-i", tmp_path / "whole.mp4", "-c", "copy", tmp_path / "a.mp4")
        assert not steady_video(tmp_path / "a.mp4").counted
        film = extend(tmp_path / "a.mp4", tmp_path / "out.mp4")
        assert film.frames == 30 + TAIL
        assert film.counted


class TestShape:
    """How a frame lies on the screen."""

    @pytest.mark.parametrize(
        ("turn", "flip"), [(90, ""), (180, ""), (270, ""), (0, "-display_hflip"), (90, "-display_hflip")]
    )
    @pytest.mark.parametrize("codec", ["h264", "h265"])
    def test_a_phone_held_any_way(self, tmp_path: Path, turn: int, flip: str, codec: str) -> None:
        ffmpeg(*picture(size="96x64"), "-frames:v", 20, *H264, tmp_path / "flat.mp4")
        flips = (flip,) if flip else ()
        ffmpeg("-display_rotation", turn, *flips, "-i", tmp_path / "flat.mp4", "-c", "copy", tmp_path / "a.mp4")
        video = steady_video(tmp_path / "a.mp4")
        seen = read_tail(video, 20, *video.shown_size).astype(int)
        assert np.abs(seen - read_rgb(tmp_path / "a.mp4", *video.shown_size)).mean() < 4
        film = extend(tmp_path / "a.mp4", tmp_path / "out.mp4", codec, "x".join(map(str, video.shown_size)))
        assert film.orientation == (video.orientation if codec == "h264" else Orientation())
        repeats(film)

    @pytest.mark.parametrize("codec", ["h264", "ffv1"])
    def test_odd_sides(self, tmp_path: Path, codec: str) -> None:
        ffmpeg(*picture(size="65x49"), "-frames:v", 20, "-c:v", "mjpeg", "-q:v", 2, tmp_path / "a.mov")
        film = extend(tmp_path / "a.mov", tmp_path / "out.mkv", codec, "80x64")
        assert film.shown_size == ((64, 48) if codec == "h264" else (65, 49))

    def test_pixels_that_are_not_square(self, tmp_path: Path) -> None:
        ffmpeg(*picture(size="72x64"), "-vf", "setsar=16/11", "-frames:v", 20, *H264, tmp_path / "a.mp4")
        film = extend(tmp_path / "a.mp4", tmp_path / "out.mp4", resolution="112x64")
        assert (film.pixel_aspect, film.shown_size) == (Fraction(16, 11), (105, 64))
        repeats(film)

    @pytest.mark.parametrize("codec", ["h264", "h265"])
    def test_interlaced(self, tmp_path: Path, codec: str) -> None:
        fields = ("-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ilme+ildct", "-x264-params", "tff=1")
        ffmpeg(*picture(50), "-frames:v", 20, *fields, *H264, tmp_path / "a.mp4")
        assert steady_video(tmp_path / "a.mp4").interlaced
        repeats(extend(tmp_path / "a.mp4", tmp_path / "out.mp4", codec), within=12)


class TestColour:
    """Depth, range and transparency."""

    @pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("libx265", "h265"), ("libx265", "h264")])
    def test_hdr_goes_on_in_its_own_light(self, tmp_path: Path, encoder: str, codec: str) -> None:
        tags = "setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"
        quiet = ("-x265-params", "log-level=error") if encoder == "libx265" else ()
        coding = ("-vf", f"format=yuv420p10le,{tags}", "-c:v", encoder, *quiet)
        ffmpeg(*picture(), "-frames:v", 20, *coding, tmp_path / "a.mp4")
        video = steady_video(tmp_path / "a.mp4")
        film = extend(tmp_path / "a.mp4", tmp_path / "out.mp4", codec)
        assert video.hdr == film.hdr == "PQ"
        assert (film.pix_fmt, film.colour) == ("yuv420p10le", video.colour)
        repeats(film)

    @pytest.mark.parametrize("suffix", [".mov", ".mkv"])
    def test_prores(self, tmp_path: Path, suffix: str) -> None:
        ffmpeg(*picture(), *sound(0.8), "-frames:v", 20, "-c:v", "prores_ks", "-c:a", "pcm_s16le", tmp_path / "a.mov")
        film = extend(tmp_path / "a.mov", tmp_path / f"out{suffix}")
        repeats(film)
        assert sound_hash(tmp_path / f"out{suffix}") == sound_hash(tmp_path / "a.mov")

    @pytest.mark.parametrize("form", ["gif", "apng"])
    def test_moving_pictures(self, tmp_path: Path, form: str) -> None:
        shapes = [Image.new("RGBA", (64, 48), (0, 0, 0, 0)) for _ in range(12)]
        for n, shape in enumerate(shapes):
            shape.paste((255, 0, 0, 255), (n, n, n + 20, n + 20))
        path = tmp_path / f"a.{'png' if form == 'apng' else form}"
        shapes[0].save(path, save_all=True, append_images=shapes[1:], duration=50, loop=0, disposal=2)
        video = steady_video(path)
        assert (video.fps, video.frames) == (20, 12)
        film = extend(path, tmp_path / "out.mp4")
        frames = read_tail(film, film.frames, 64, 48).astype(int)
        assert frames[3, 40, 60].min() > 240  # what was transparent is white
        assert np.abs(frames[3, 10, 12] - (254, 0, 0)).max() < 12

    def test_a_moving_webp_is_refused_with_the_cure(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (64, 48), (n * 20, 0, 0)) for n in range(12)]
        frames[0].save(tmp_path / "it's.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
        with pytest.raises(UsageError) as error:
            steady_video(tmp_path / "it's.webp")
        cure = shlex.split(str(error.value.hint).removeprefix("turn it into a GIF: "))
        subprocess.run([sys.executable, *cure[1:]], check=True)
        assert steady_video(tmp_path / "it's.webp.gif").frames == 12

    @pytest.mark.parametrize("form", ["gif", "png", "webp", "jpg"])
    def test_a_picture_is_no_video(self, tmp_path: Path, form: str) -> None:
        Image.new("RGB", (64, 48), (1, 2, 3)).save(tmp_path / f"a.{form}")
        code, _ = refused(tmp_path / f"a.{form}")
        assert code == "video-is-picture" or (form, code) == ("webp", "video-unreadable")


class TestCompanions:
    """What comes along: sound, subtitles, cover, attachments, chapters, timecode."""

    @pytest.mark.parametrize(("seconds", "late"), [(0.4, 0), (3, 0), (0.8, 0.3), (0.8, -0.3)])
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_sound_stays_where_it_was(self, tmp_path: Path, seconds: float, late: float, suffix: str) -> None:
        path, output = tmp_path / f"a{suffix}", tmp_path / f"out{suffix}"
        offset = ("-itsoffset", late) if late > 0 else ()
        before = ("-itsoffset", -late) if late < 0 else ()
        ffmpeg(*before, *picture(), *offset, *sound(seconds), "-frames:v", 20, *H264, "-c:a", "aac", path)
        repeats(extend(path, output))
        assert sound_hash(output) == sound_hash(path)
        for name in ("video", "audio"):
            assert start(output, name) == pytest.approx(start(path, name), abs=0.0015)

    def test_several_tracks_subtitles_chapters_and_fonts(self, tmp_path: Path) -> None:
        path, output = tmp_path / "a.mkv", tmp_path / "out.mkv"
        (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,500\nHello\n")
        (tmp_path / "c.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=4\ntitle=One\n")
        (tmp_path / "font.ttf").write_bytes(b"font" * 9)
        inputs = (*picture(), *sound(0.8), *sound(0.8, 880), "-i", tmp_path / "s.srt", "-i", tmp_path / "c.txt")
        maps = ("-map", 0, "-map", 1, "-map", 2, "-map", 3, "-map_metadata", 4, "-metadata:s:a:1", "language=deu")
        font = ("-attach", tmp_path / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font")
        ffmpeg(*inputs, *maps, *font, "-frames:v", 20, *H264, "-c:a", "aac", "-c:s", "srt", path)
        loose = ("subtitle", "attachment")
        assert misfits(path, output, loose) == []
        assert misfits(path, tmp_path / "out.mp4", loose) == ["subtitle (srt)", "attachment (font.ttf)"]
        extend(path, output)
        with av.open(str(output)) as container:
            kinds = [(s.type, s.metadata.get("language")) for s in container.streams]
            assert kinds[:4] == [("video", None), ("audio", None), ("audio", "deu"), ("subtitle", None)]
            assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One"]
        assert sound_hash(output) == sound_hash(path)
        subtitles = ("-map", "0:s", "-c", "copy", "-f", "streamhash", "-")
        assert hashes(output, *subtitles) == hashes(path, *subtitles)
        assert "ttf" in description(output)
        extend(path, tmp_path / "out.mp4")
        assert sound_hash(tmp_path / "out.mp4") == sound_hash(path)

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_a_cover_stays_a_cover(self, tmp_path: Path, suffix: str) -> None:
        Image.new("RGB", (40, 40), (200, 0, 0)).save(tmp_path / "cover.jpg")
        clip = (*picture(), *sound(0.8), "-i", tmp_path / "cover.jpg", "-map", 0, "-map", 1, "-map", 2)
        coding = ("-frames:v:0", 20, *H264, "-c:v:1", "copy", "-disposition:v:1", "attached_pic", "-c:a", "aac")
        ffmpeg(*clip, *coding, tmp_path / "a.mp4")
        assert steady_video(tmp_path / "a.mp4").frames == 20
        extend(tmp_path / "a.mp4", tmp_path / f"out{suffix}")
        told = description(tmp_path / f"out{suffix}")
        assert "attached pic" in told
        assert told.count("Video: h264") == 1
        cover = ffmpeg("-i", tmp_path / f"out{suffix}", "-map", "0:v:1", "-c", "copy", "-f", "image2pipe", "-")
        assert cover == (tmp_path / "cover.jpg").read_bytes()

    def test_a_song_with_a_cover_is_no_video(self, tmp_path: Path) -> None:
        Image.new("RGB", (40, 40)).save(tmp_path / "cover.jpg")
        ffmpeg(*sound(1), "-i", tmp_path / "cover.jpg", "-map", 0, "-map", 1, "-c:v", "copy", tmp_path / "a.mp3")
        code, message = refused(tmp_path / "a.mp3")
        assert code == "video-no-stream"
        assert "sound but no picture" in message

    def test_timecode(self, tmp_path: Path) -> None:
        ffmpeg(*picture(), "-frames:v", 20, *H264, "-timecode", "10:00:00:00", tmp_path / "a.mov")
        extend(tmp_path / "a.mov", tmp_path / "out.mov")
        assert "timecode        : 10:00:00:00" in description(tmp_path / "out.mov")

    @pytest.mark.parametrize("name", ["a.ts", "a.flv", "a.avi", "a.webm"])
    def test_other_containers(self, tmp_path: Path, name: str) -> None:
        coding = {
            ".webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-pix_fmt", "yuv420p", "-c:a", "libopus"),
            ".avi": ("-c:v", "mpeg4", "-c:a", "mp3"),
        }.get(Path(name).suffix, (*H264, "-c:a", "aac"))
        ffmpeg(*picture(), *sound(0.8), "-frames:v", 20, *coding, tmp_path / name)
        film = extend(tmp_path / name, tmp_path / "out.mkv")
        repeats(film)
        assert film.has_audio

    def test_sound_that_no_container_of_ours_can_hold(self, tmp_path: Path) -> None:
        coding = ("-c:v", "wmv2", "-c:a", "wmav2")
        ffmpeg(*picture(), *sound(0.8), "-frames:v", 20, *coding, tmp_path / "a.wmv")
        with pytest.raises(SkyreelsError, match=r"cannot hold the video's sound: audio .wmav2") as error:
            extend(tmp_path / "a.wmv", tmp_path / "out.mkv")
        assert str(error.value.hint).startswith(f"ffmpeg -i {tmp_path}/a.wmv -c:v copy -c:a aac")


def start(path: Path, kind: str) -> float:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return float(stream.start_time * stream.time_base)


class TestFiles:
    """Files that are torn, growing, huge or oddly named."""

    @pytest.fixture
    def whole(self, tmp_path: Path) -> Path:
        ffmpeg(*picture(), "-frames:v", 50, *H264, "-movflags", "+faststart", tmp_path / "whole.mp4")
        return tmp_path / "whole.mp4"

    @pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
    def test_cut_off(self, tmp_path: Path, whole: Path, share: float) -> None:
        content = whole.read_bytes()
        (tmp_path / "torn.mp4").write_bytes(content[: int(len(content) * share)])
        code, message = refused(tmp_path / "torn.mp4")
        assert code == "video-unreadable"
        assert "torn.mp4" in message

    def test_still_growing(self, tmp_path: Path) -> None:
        ffmpeg(*picture(), "-frames:v", 50, *H264, tmp_path / "a.mp4")  # its index is written last
        content = (tmp_path / "a.mp4").read_bytes()
        (tmp_path / "growing.mp4").write_bytes(content[: len(content) * 2 // 3])
        assert refused(tmp_path / "growing.mp4")[0] == "video-unreadable"

    def test_fragmented(self, tmp_path: Path) -> None:
        fragments = ("-g", 10, "-movflags", "+frag_keyframe+empty_moov")
        ffmpeg(*picture(), *sound(2), "-frames:v", 50, *H264, *fragments, tmp_path / "a.mp4")
        repeats(extend(tmp_path / "a.mp4", tmp_path / "out.mp4"))

    def test_more_than_4_gb(self, tmp_path: Path, whole: Path) -> None:
        """A hole of 5 GB between the index and the pictures: their places need 64 bits."""
        content = whole.read_bytes()
        index, data = content.index(b"moov") - 4, content.index(b"mdat") - 4
        (size,) = struct.unpack(">I", content[index : index + 4])
        hole = 5 * 2**30
        moov = bytearray(content[index : index + size])
        at = moov.index(b"stco")
        (length, count) = (struct.unpack(">I", moov[at - 4 : at])[0], struct.unpack(">I", moov[at + 8 : at + 12])[0])
        places = struct.unpack(f">{count}I", moov[at + 12 : at + 12 + 4 * count])
        growth = 4 * count
        wide = struct.pack(f">{count}Q", *(place + hole + growth for place in places))
        moov[at - 4 : at - 4 + length] = struct.pack(">I", length + growth) + b"co64" + moov[at + 4 : at + 12] + wide
        for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            begins = moov.index(box) - 4
            grown = struct.unpack(">I", moov[begins : begins + 4])[0] + growth
            moov[begins : begins + 4] = struct.pack(">I", grown)
        with (tmp_path / "huge.mp4").open("wb") as file:
            file.write(content[:index] + moov + struct.pack(">I4sQ", 1, b"free", hole))
            file.seek(hole - 16, os.SEEK_CUR)
            file.write(content[index + size :])
        assert data == index + size + (data - index - size)
        video = steady_video(tmp_path / "huge.mp4")
        assert (tmp_path / "huge.mp4").stat().st_size > 2**32
        assert video.frames == 50
        assert np.array_equal(read_tail(video, 3, 64, 48), read_tail(steady_video(whole), 3, 64, 48))

    @pytest.mark.parametrize(
        "name",
        [
            "-y.mp4",
            'it\'s "a" film.mp4',
            "two\nlines.mp4",
            "🎬雪.mp4",
            "%03d.mp4",
            "http:b.mp4",
            "#?*.mp4",
        ],
    )
    def test_names(self, tmp_path: Path, whole: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        whole.rename(name)
        output = Path("out" + name)
        extend(Path(name), output)
        assert steady_video(output).frames == 50 + TAIL
