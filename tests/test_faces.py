from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from conftest import HAS_SHARED, SHARED

from agent.schema.evidence import Person
from agent.schema.samples import FaceSample, Frame, Image
from agent.senses.faces import Faces, Found, Models, choose_main, face_in, load
from agent.senses.faces.detect import iou, nested, tiles
from agent.senses.faces.scene import Cuts


@pytest.fixture(scope="module", params=["bundle", "wheel"])
def models(request: pytest.FixtureRequest, model_files: Path) -> Iterator[Models]:
    """The mesh of the bundle, then what a machine with only a package index has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_ASSETS", str(model_files))
        yield load(bundle=request.param == "bundle")


@pytest.fixture(scope="module")
def small(model_files: Path) -> Models:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_ASSETS", str(model_files))
        return load(bundle=False)


Pics = dict[str, Path]

REAL = {
    "one": "facerec_obama.jpg", "other": "fer_justin.jpg", "third": "faceapi_neutral.jpg",
    "smile": "pyfeat_single_face.jpg", "plain": "faceapi_neutral.jpg",
}  # fmt: skip
RENDERED = {
    "one": "ann_smile.jpg", "other": "ben_neutral.jpg", "smile": "ann_smile.jpg",
    "plain": "ann_neutral.jpg",
}  # fmt: skip
NOSE = {"facerec_obama.jpg": (496, 285), "ann_smile.jpg": (189, 214)}
"""Tip of the nose, looked at."""


@pytest.fixture(scope="module", params=["rendered", *(["real"] if HAS_SHARED else [])])
def pics(request: pytest.FixtureRequest, media: Path) -> Pics:
    """Three people, rendered ones everywhere, real ones where their pictures are."""
    if request.param == "rendered":
        return {key: media / name for key, name in RENDERED.items()}
    return {key: SHARED / "media" / "image" / name for key, name in REAL.items()}


@pytest.fixture(scope="module")
def real(shared: Path) -> Pics:
    """Real people alone: rendered heads in one place are as alike as one head."""
    return {key: shared / "media" / "image" / name for key, name in REAL.items()}


def picture(path: Path, height: int | None = None) -> Image:
    read = cv2.imread(str(path))
    assert read is not None, path
    if height is not None:
        read = cv2.resize(read, (round(read.shape[1] * height / read.shape[0]), height))
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB)


def canvas(face: Image, x: int, y: int = 30, back: int = 90) -> Image:
    """The picture on a larger grey ground; parts over the edge are cut off."""
    ground = np.full((420, 800, 3), back, np.uint8)
    left, right = max(x, 0), min(x + face.shape[1], 800)
    if left < right:
        ground[y : y + face.shape[0], left:right] = face[:, left - x : right - x][: 420 - y]
    return ground


def middle(face: Image) -> Image:
    """The picture in the middle of the canvas, cut to 500 columns where it is wider."""
    cut = max(0, (face.shape[1] - 500) // 2)
    face = face[:, cut : face.shape[1] - cut]
    return canvas(face, 325 - face.shape[1] // 2)


def seen(
    pictures: Iterable[Image], models: Models, fps: float = 15
) -> tuple[Found, list[list[FaceSample]]]:
    faces = Faces(models)
    samples = [faces.push(Frame(n, n / fps, image)) for n, image in enumerate(pictures)]
    return faces.finish(), samples


def test_one_portrait_has_one_face_where_it_is(pics: Pics, models: Models) -> None:
    face = face_in(picture(pics["one"]), models=models)
    assert face is not None
    assert len(face.mesh) == (478 if models.name == "mesh478" else 468)
    assert (face.blendshapes is not None) == (models.name == "mesh478")
    assert np.linalg.norm(face.mesh[1, :2] - NOSE[pics["one"].name]) < 25, "tip of the nose"
    assert face.quality > 0.7


def test_blendshapes_tell_a_smile_from_a_straight_face(pics: Pics, models: Models) -> None:
    if models.without:
        assert "face_landmarker.task" in models.without
        return
    smile = face_in(picture(pics["smile"]), models=models)
    plain = face_in(picture(pics["plain"]), models=models)
    assert smile is not None and smile.blendshapes is not None
    assert plain is not None and plain.blendshapes is not None
    assert smile.blendshapes[44:46].mean() > 0.5 > 0.2 > plain.blendshapes[44:46].mean()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("pyfeat_multi_face.jpg", 5),
        ("dlib_2008_002506.jpg", 3),
        ("fer_justin.jpg", 1),
        ("pyfeat_mountain_noface.jpg", 0),
    ],
)
def test_all_faces_of_a_picture_are_found(
    shared: Path, models: Models, name: str, count: int
) -> None:
    image = picture(shared / "media/image" / name)
    found, ((*samples,),) = seen([image], models)
    assert [person.id for person in found.people] == [f"P{n + 1}" for n in range(count)]
    assert all(person.live for person in found.people), "a still of a real person stays living"
    assert sum(person.main for person in found.people) == min(count, 1)
    middles = {s.track: s.box[0] + s.box[2] / 2 for s in samples}
    order = [middles[found.tracks[person.id][0]] for person in found.people]
    assert order == sorted(order), "people in one picture are counted from left to right"
    if not count:
        assert found.missing[0].what == "face"


def test_everybody_of_a_rendered_crowd_is_found(crowd: Path, models: Models) -> None:
    for image, count in ((picture(crowd), 3), (picture(crowd)[:, :384], 1)):
        found, ((*samples,),) = seen([image], models)
        assert [person.id for person in found.people] == [f"P{n + 1}" for n in range(count)]
        middles = {s.track: s.box[0] + s.box[2] / 2 for s in samples}
        order = [middles[found.tracks[person.id][0]] for person in found.people]
        assert order == sorted(order), "people in one picture are counted from left to right"


def test_small_faces_of_a_rendered_crowd_are_found_too(crowd: Path, small: Models) -> None:
    row = picture(crowd, height=130)
    scene = np.full((720, 1280, 3), 120, np.uint8)
    scene[300:430, 600 : 600 + row.shape[1]] = row
    found, _ = seen([scene], small)
    assert len(found.people) == 3


def test_moving_shapes_are_nobody(small: Models) -> None:
    def shapes(n: int) -> Image:
        scene = np.full((360, 640, 3), (90, 160, 210), np.uint8)
        cv2.circle(scene, (80 + 9 * n, 120), 60, (240, 210, 60), -1)
        cv2.rectangle(scene, (300, 200), (420 + 3 * n, 350), (60, 120, 60), -1)
        return scene

    found, _ = seen([shapes(n) for n in range(12)], small)
    assert found.people == () and found.missing[0].what == "face"


def test_small_faces_of_a_group_are_found_too(shared: Path, small: Models) -> None:
    group = picture(shared / "media/image/pyfeat_multi_face.jpg", height=360)
    scene = np.full((720, 1280, 3), 120, np.uint8)
    scene[300:660, 600 : 600 + group.shape[1]] = group
    found, _ = seen([scene], small)
    assert len(found.people) == 5


@pytest.mark.parametrize(
    ("name", "share"), [("pyfeat_no_face.mp4", 0), ("pyfeat_face_noface.mov", 0.43)]
)
def test_a_cartoon_without_faces_has_no_people(
    shared: Path, small: Models, name: str, share: float
) -> None:
    with av.open(str(shared / "media/video" / name)) as clip:
        found, _ = seen(
            (f.to_ndarray(format="rgb24") for n, f in enumerate(clip.decode(video=0)) if n % 2),
            small,
        )
    assert [person.share for person in found.people] == pytest.approx(
        [share] * (share > 0), abs=0.03
    )


def test_somebody_who_comes_back_after_a_cut_is_the_same_person(pics: Pics, models: Models) -> None:
    one = picture(pics["one"], height=380)
    two = picture(pics["other"], height=380)
    shots = [canvas(one, 100 + n) for n in range(8)]
    shots += [canvas(two, 120 + n, back=200) for n in range(8)]
    shots += [canvas(one, 300 - n) for n in range(8)]
    found, samples = seen(shots, models)
    assert len(found.people) == 2
    assert [len(found.tracks[p.id]) for p in found.people] == [2, 1]
    assert found.people[0].share == pytest.approx(2 / 3, abs=0.05)
    assert all(len(s) == 1 for s in samples), "no picture is lost around the cuts"
    assert samples[7][0].track != samples[8][0].track


def test_somebody_who_walks_out_and_in_again_is_the_same_person(pics: Pics, small: Models) -> None:
    face = picture(pics["one"], height=380)
    path = [*range(300, 900, 50), *[900] * 25, *range(900, 300, -50)]
    found, samples = seen([canvas(face, x) for x in path], small)
    assert len(found.people) == 1
    assert not samples[25]
    assert samples[0] and samples[-1]


def test_two_people_keep_their_numbers_while_they_move(pics: Pics, small: Models) -> None:
    left = picture(pics["one"], height=300)
    right = picture(pics["other"], height=310)[:300, :300]
    scenes = []
    for n in range(20):
        scene = canvas(left, 20 + 5 * n)
        scene[30:330, 480 - 4 * n : 780 - 4 * n] = right
        scenes.append(scene)
    found, samples = seen(scenes, small)
    assert [p.id for p in found.people] == ["P1", "P2"]
    assert all(len(s) == 2 for s in samples)
    first = found.tracks["P1"][0]
    assert all(min(s, key=lambda f: f.box[0]).track == first for s in samples)


def test_looking_a_picture_ahead_changes_nothing(pics: Pics, small: Models) -> None:
    """Two people, one walks out; a cut to the other alone; then nobody."""
    left = picture(pics["one"], height=300)
    right = picture(pics["other"], height=310)[:300, :300]
    pictures = [canvas(left, 20 - 20 * n) for n in range(16)]
    for n, scene in enumerate(pictures):
        scene[30:330, 480 - 4 * n : 780 - 4 * n] = right
    pictures += [canvas(right, 100 + 9 * n, back=200) for n in range(6)]
    pictures += [canvas(right, 900)] * 2
    frames = [Frame(n, n / 15, image) for n, image in enumerate(pictures)]
    one_by_one, ahead = Faces(small), Faces(small)
    for frame, then in pairwise([*frames, None]):
        assert frame is not None
        plain, early = one_by_one.follow(frame), ahead.follow(frame, then)
        assert [s.track for s in early] == [s.track for s in plain]
        for a, b in zip(early, plain, strict=True):
            assert a.quality == b.quality
            assert np.array_equal(a.mesh, b.mesh)
    found = ahead.finish()
    assert [len(found.tracks[person.id]) for person in found.people] == [1, 2]
    assert found.tracks == one_by_one.finish().tracks


def test_a_mesh_that_was_begun_ahead_is_not_made_again(
    pics: Pics, small: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = picture(pics["one"], height=300)
    frames = [Frame(n, n / 15, canvas(face, 100 + 4 * n)) for n in range(10)]
    made: list[int] = []
    fit = type(small.mesh).fit
    monkeypatch.setattr(type(small.mesh), "fit", lambda *given: [made.append(1), fit(*given)][1])
    counts = []
    for known in (False, True):
        made.clear()
        faces = Faces(small)
        for frame, then in pairwise([*frames, None]):
            assert frame is not None
            assert len(faces.follow(frame, then if known else None)) == 1
        faces.finish()
        counts.append(len(made))
    assert counts[0] == counts[1], "one mesh a picture, whether begun ahead or not"


def test_a_cut_to_another_face_in_the_same_place_is_noticed(real: Pics, small: Models) -> None:
    one = middle(picture(real["one"], height=380))
    two = middle(picture(real["third"], height=380))
    found, samples = seen([*[one] * 6, *[two] * 6], small)
    assert len(found.people) == 2
    assert all(len(s) == 1 for s in samples)


def test_a_dissolve_from_one_face_to_another_makes_two_people(real: Pics, small: Models) -> None:
    one = middle(picture(real["one"], height=380))
    two = middle(picture(real["third"], height=380))
    shares = [0.0] * 12 + np.linspace(0, 1, 12).tolist() + [1.0] * 24
    mixed = [cv2.addWeighted(one, 1 - share, two, share, 0) for share in shares]
    found, _ = seen(mixed, small)
    assert len(found.people) == 2


def test_a_face_that_flashes_by_is_no_person(pics: Pics, small: Models) -> None:
    face = picture(pics["one"], height=380)
    empty = canvas(face, 2000)
    found, _ = seen([*[empty] * 10, canvas(face, 200), *[empty] * 10], small)
    assert found.people == ()
    assert "too briefly" in found.missing[0].why


def test_boxes_stay_inside_the_picture(pics: Pics, small: Models) -> None:
    face = picture(pics["one"], height=380)
    _, samples = seen([canvas(face, x) for x in range(0, -160, -10)], small)
    boxes = np.array([s.box for each in samples for s in each])
    assert len(boxes) > 5
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= 800).all()
    assert boxes[-1][0] == 0


def test_a_grey_face_in_a_coloured_picture_is_doubted_black_and_white_film_is_not(
    pics: Pics, small: Models
) -> None:
    face = picture(pics["smile"], height=380)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    garden = np.full((420, 800, 3), (60, 140, 70), np.uint8)
    garden[30:410, 200 : 200 + grey.shape[1]] = grey
    statue, _ = seen([garden], small)
    assert not statue.people[0].live
    assert "statue" in (statue.people[0].doubt or "")
    film, _ = seen([canvas(grey, 200)], small)
    assert film.people[0].live


def test_a_face_of_one_colour_is_doubted_a_tinted_picture_is_not(
    shared: Path, small: Models
) -> None:
    face = picture(shared / "media/image/facerec_obama.jpg", height=380)
    light = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[..., None] / 255
    clay = (light * (205, 125, 85)).astype(np.uint8)
    garden = np.full((420, 800, 3), (60, 140, 70), np.uint8)
    head = np.zeros(face.shape[:2], np.uint8)
    place = face_in(face, models=small)
    assert place is not None
    cv2.fillConvexPoly(head, cv2.convexHull(place.mesh[:, :2].astype(np.int32)), 1)
    statue = np.where(head[..., None] > 0, clay, np.uint8(0) + np.array((60, 140, 70), np.uint8))
    garden[30:410, 200 : 200 + face.shape[1]] = statue
    found, _ = seen([garden], small)
    assert not found.people[0].live
    assert "statue" in (found.people[0].doubt or "")
    ground = cv2.cvtColor(canvas(face, 200), cv2.COLOR_RGB2GRAY)[..., None] / 255
    sepia, _ = seen([(ground * (225, 190, 140)).astype(np.uint8)], small)
    assert sepia.people[0].live


def test_a_photograph_that_is_moved_about_is_doubted_only_after_a_while(
    pics: Pics, small: Models
) -> None:
    face = picture(pics["plain"], height=380)

    def moved(seconds: float) -> Iterator[Image]:
        for n in range(round(seconds * 10)):
            yield canvas(face, round(200 + 40 * np.sin(n / 7)))

    brief, _ = seen(moved(3), small, fps=10)
    assert brief.people[0].live
    long, _ = seen(moved(9), small, fps=10)
    assert not long.people[0].live
    assert "photograph" in (long.people[0].doubt or "")


def test_a_blurred_and_tiny_face_has_low_quality(pics: Pics, small: Models) -> None:
    image = picture(pics["one"], height=420)
    sharp = face_in(image, models=small)
    blurred = face_in(cv2.GaussianBlur(image, (0, 0), 6), models=small)
    tiny = face_in(cv2.resize(image, None, fx=0.25, fy=0.25), models=small)
    dark = face_in((image * 0.12).astype(np.uint8), models=small)
    assert sharp is not None and blurred is not None and tiny is not None and dark is not None
    assert sharp.quality > 0.9
    assert max(blurred.quality, tiny.quality, dark.quality) < 0.6


def test_darkness_is_named_where_nobody_is_found(small: Models) -> None:
    found, _ = seen([np.full((200, 300, 3), 3, np.uint8)] * 3, small)
    assert "dark" in found.missing[0].why


def test_no_picture_at_all_is_no_error(small: Models) -> None:
    found = Faces(small).finish()
    assert found.people == ()
    assert found.missing[0].what == "face"


def test_nothing_is_kept_of_a_picture(pics: Pics, small: Models) -> None:
    faces = Faces(small)
    source = canvas(picture(pics["one"], height=380), 100)
    gone = []
    for n in range(4):
        image = source.copy()
        gone.append(weakref.ref(image))
        faces.push(Frame(n, n / 10, image))
        del image
    assert [ref() for ref in gone] == [None] * 4


def test_a_pan_is_no_cut_and_a_new_scene_is() -> None:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (200, 900, 3), np.uint8), (0, 0), 12)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    other = np.full((200, 300, 3), (30, 60, 160), np.uint8)
    cuts = Cuts()
    steps = [cuts.step(wide[:, n : n + 300]) for n in range(0, 200, 8)]
    assert not any(steps)
    assert cuts.step(other)
    assert not cuts.step(other)


def test_a_box_in_a_box_is_nested_whatever_their_sizes() -> None:
    large = np.array([0, 0, 100, 100], np.float32)
    others = np.array([[10, 10, 20, 20], [50, 0, 150, 100], [200, 0, 210, 10]], np.float32)
    assert nested(large, others) == pytest.approx([1, 0.5, 0])
    assert iou(large, others) == pytest.approx([0.01, 1 / 3, 0])


def person(id: str, **values: float | bool) -> Person:
    given = {"main": False, "start": 0, "end": 9, "share": 1.0, "size": 0.3} | values
    return Person(id=id, **given)  # type: ignore[arg-type]  # a mixed dict


def test_the_main_person_is_present_large_central_and_speaks() -> None:
    def main(*people: Person, **more: dict[str, float]) -> str:
        chosen = choose_main(people, **more)
        assert sum(p.main for p in chosen) == 1
        return next(p.id for p in chosen if p.main)

    assert main(person("P1", share=0.3), person("P2", share=0.9)) == "P2"
    assert main(person("P1", size=0.5), person("P2", size=0.2)) == "P1"
    assert main(person("P1"), person("P2"), centrality={"P1": 0.2, "P2": 0.9}) == "P2"
    assert main(person("P1", size=0.35), person("P2"), speaking={"P1": 0.0, "P2": 1.0}) == "P2"
    assert main(person("P1", size=0.9, live=False), person("P2", size=0.1)) == "P2"
    assert main(person("P1", live=False)) == "P1"
    assert choose_main(()) == ()


def test_a_picture_of_any_shape_is_looked_at_whole_and_not_for_ever() -> None:
    """A strip of 15,360 x 32 pixels was cut into 2,400 tiles, half a minute a picture."""
    for height, width, most in ((1080, 1920, 12), (32, 15_360, 20), (15_360, 32, 20), (9, 9, 9)):
        seen = np.zeros((height, width), bool)
        found = list(tiles(np.zeros((height, width, 3), np.uint8)))
        for x, y, tile in found:
            seen[y : y + tile.shape[0], x : x + tile.shape[1]] = True
        assert seen.all() and len(found) <= most
