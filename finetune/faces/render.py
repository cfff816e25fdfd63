"""Pictures of a head: moderngl on EGL, in software or on a GPU.

Draws one person's bent head under one light; the caller composes background, camera
faults and motion. Knows nothing about action units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np
import numpy.typing as npt

from finetune.faces import hair, skin
from finetune.faces.ict import DRAWN, EYES, GUMS, MOUTH, MOVING, TEETH, Floats, Head, Ints
from finetune.faces.muscles import State, weights
from finetune.faces.people import Person

_INSIDE, _TEETH, _EYE = 1.0, 2.0, 3.0

_VERTEX = """
#version 330
uniform mat4 view; uniform mat3 turn;
in vec3 place; in vec3 normal; in vec2 at; in float kind; in vec3 ball;
out vec3 p; out vec3 n; out vec2 uv; out vec3 dir; flat out float material;
void main() {
    gl_Position = view * vec4(place, 1.0);
    p = turn * place; n = turn * normal; uv = at; dir = ball; material = kind;
}
"""

_FRAGMENT = """
#version 330
uniform sampler2D paint; uniform sampler2D folds_a; uniform sampler2D folds_b;
uniform vec4 left_a; uniform vec4 left_b; uniform vec4 right_a; uniform vec4 right_b;
uniform vec3 key_dir; uniform vec3 key; uniform vec3 fill_dir; uniform vec3 fill;
uniform vec3 sky; uniform vec3 ground; uniform vec3 eye; uniform float shine; uniform float depth;
uniform vec3 iris; uniform float iris_size; uniform vec3 gaze;
uniform vec3 hair; uniform vec3 frame;
in vec3 p; in vec3 n; in vec2 uv; in vec3 dir; flat in float material;
out vec4 color;
void main() {
    vec3 normal = normalize(n); vec3 to_eye = normalize(eye - p);
    vec3 albedo; float gloss = shine; float power = 18.0; float occluded = 1.0;
    if (material < 0.5) {
        albedo = texture(paint, uv).rgb; albedo *= albedo;
        float left = smoothstep(0.485, 0.515, uv.x);
        float h = dot(texture(folds_a, uv), mix(right_a, left_a, left))
                + dot(texture(folds_b, uv), mix(right_b, left_b, left));
        if (h > 0.004) {
            vec3 px = dFdx(p), py = dFdy(p);
            vec3 r1 = cross(py, normal), r2 = cross(normal, px);
            float det = dot(px, r1);
            vec3 slope = sign(det) * (dFdx(h) * r1 + dFdy(h) * r2);
            normal = normalize(abs(det) * normal + depth * slope);
            albedo *= 1.0 - 0.4 * min(h, 1.0);
        }
        occluded = mix(0.55, 1.0, smoothstep(-9.5, -7.0, p.y));
    } else if (material < 1.5) { albedo = vec3(0.30, 0.05, 0.05); gloss = 0.2;
        occluded = smoothstep(3.0, 11.5, p.z) * 0.8;
    } else if (material < 2.5) { albedo = vec3(0.72, 0.66, 0.56); gloss = 0.25; power = 40.0;
        occluded = smoothstep(5.0, 11.0, p.z) * 0.85;
    } else if (material < 3.5) {
        vec3 d = normalize(dir); float a = acos(clamp(dot(d, gaze), -1.0, 1.0)) / iris_size;
        vec3 white = vec3(0.72, 0.66, 0.63) * (1.0 - 0.35 * smoothstep(0.35, 0.9, abs(d.x)));
        float limbus = 1.0 - 0.6 * smoothstep(0.85, 1.0, a);
        vec3 ring = iris * (0.6 + 0.8 * smoothstep(0.3, 0.8, a)) * limbus;
        albedo = mix(vec3(0.004), ring, smoothstep(0.33, 0.42, a));
        albedo = mix(albedo, white, smoothstep(0.93, 1.06, a));
        gloss = 0.9; power = 180.0;
        occluded = mix(0.45, 1.0, smoothstep(0.55, 0.05, d.y)) * smoothstep(0.15, 0.6, d.z);
    } else if (material < 4.5) { albedo = hair * (0.7 + 0.6 * fract(uv.x));
        gloss = 0.15; power = 9.0;
    } else { albedo = frame; gloss = 0.5; power = 40.0; }
    if (!gl_FrontFacing && material > 3.5) normal = -normal;
    float wrap = material < 0.5 ? 0.25 : 0.0;
    float k = max(0.0, (dot(normal, key_dir) + wrap) / (1.0 + wrap));
    float f = max(0.0, (dot(normal, fill_dir) + wrap) / (1.0 + wrap));
    vec3 soft = material < 0.5 ? vec3(1.08, 0.97, 0.93) : vec3(1.0);
    vec3 light = key * pow(vec3(k), 1.0 / soft) + fill * f + mix(ground, sky, 0.5 + 0.5 * normal.y);
    float glint = pow(max(0.0, dot(normal, normalize(key_dir + to_eye))), power);
    vec3 lit = occluded * (albedo * light + gloss * glint * key * 0.35);
    color = vec4(pow(clamp(lit, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
"""


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from (unit vectors from the face) and its linear colour."""

    key_dir: tuple[float, float, float] = (0.4, 0.5, 0.77)
    key: tuple[float, float, float] = (0.9, 0.88, 0.85)
    fill_dir: tuple[float, float, float] = (-0.6, 0.1, 0.79)
    fill: tuple[float, float, float] = (0.2, 0.2, 0.22)
    sky: tuple[float, float, float] = (0.32, 0.33, 0.36)
    ground: tuple[float, float, float] = (0.16, 0.14, 0.12)


@dataclass(frozen=True, slots=True)
class View:
    """Where the head is for the camera."""

    yaw: float = 0.0
    """Radians, + turns the person to their left (the picture's right)."""
    pitch: float = 0.0
    """Radians, + looks up."""
    roll: float = 0.0
    """Radians, + tilts the head to the picture's left."""
    distance: float = 90.0
    """From camera to head in head units (cm); near cameras enlarge the nose."""
    share: float = 0.6
    """Height of the face (20 units) over the height of the picture."""
    x: float = 0.0
    """Place of the face in the picture, −1 left … 1 right."""
    y: float = 0.0
    """−1 bottom … 1 top."""

    def turn(self) -> Floats:
        """Rotation of the head, 3 × 3."""
        return _rotation(self.yaw, self.pitch, self.roll)


@dataclass
class Look:
    """What is drawn of one person, made once: base mesh, colours, wrinkles, hair, glasses."""

    person: Person
    mesh: Floats
    still: Floats
    """Normals of the neutral mesh, for what does not bend."""
    paint: npt.NDArray[np.uint8]
    folds: npt.NDArray[np.uint8]
    ball: Floats
    grow: Floats
    """Hair thickness added to the skin, V × 3."""
    extras: tuple[Floats, Floats, Floats, Ints]
    """Places, normals, (u, v, kind) and triangles of hair and glasses."""


def look(head: Head, person: Person) -> Look:
    """Everything about a person that does not change from picture to picture."""
    mesh = head.person(person.identity)
    still = head.normals(mesh)
    ball = np.zeros((DRAWN, 3), np.float32)
    eyes = mesh[EYES]
    for side in (eyes[:, 0] > 0, eyes[:, 0] <= 0):
        away = eyes[side] - (eyes[side].max(0) + eyes[side].min(0)) / 2
        ball[EYES.start + np.flatnonzero(side)] = away / np.abs(away).max()
    place = skin.flat(head.neutral)
    grow = skin.scalp(place[:, 0], place[:, 1], person)[:, None] * still * person.hair_volume
    grow[MOVING:] = 0
    return Look(
        person,
        mesh,
        still,
        skin.colors(head, person),
        skin.wrinkles(person),
        ball,
        grow.astype(np.float32),
        hair.extras(person, mesh[head.landmarks]),
    )


@dataclass
class Renderer:
    """A picture maker of one size (pixels). Keep one; making it takes a second."""

    head: Head
    size: int = 320
    samples: int = 0
    _loaded: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type, unused-ignore]  # wrong stub
        self.program = self.context.program(_VERTEX, _FRAGMENT)
        self.context.enable(moderngl.DEPTH_TEST)
        shape = (self.size, self.size)
        self.target = self.context.simple_framebuffer(shape, 4)
        self.drawn = self.target
        if self.samples:
            self.drawn = self.context.framebuffer(
                [self.context.renderbuffer(shape, 4, samples=self.samples)],
                self.context.depth_renderbuffer(shape, samples=self.samples),
            )
        kind = np.zeros((DRAWN, 1), np.float32)
        kind[MOUTH] = kind[GUMS] = _INSIDE
        kind[TEETH], kind[EYES] = _TEETH, _EYE
        self._moving = self.context.buffer(reserve=DRAWN * 24, dynamic=True)
        self._fixed = self.context.buffer(np.hstack([skin.coordinates(self.head), kind]))
        self._ball = self.context.buffer(reserve=DRAWN * 12)
        self._array = self.context.vertex_array(
            self.program,
            [
                (self._moving, "3f 3f", "place", "normal"),
                (self._fixed, "2f 1f", "at", "kind"),
                (self._ball, "3f", "ball"),
            ],
            self.context.buffer(self.head.triangles),
        )
        size = (skin.SIZE, skin.SIZE)
        self._textures = [self.context.texture(size, channels) for channels in (3, 4, 4)]
        for unit, name in enumerate(("paint", "folds_a", "folds_b")):
            self._textures[unit].filter = (moderngl.LINEAR, moderngl.LINEAR)
            self._textures[unit].use(unit)
            self.program[name] = unit
        self._extra: moderngl.VertexArray | None = None

    def picture(self, look: Look, state: State, view: View, light: Light) -> npt.NDArray[np.uint8]:
        """Size × size × 4 RGBA; alpha 0 where there is only background."""
        if self._loaded != look.person.seed:
            self._load(look)
        mesh = self.head.bend(look.mesh, weights(state))
        normals = look.still.copy()
        normals[:MOVING] = self.head.normals(mesh, MOVING)
        mesh += look.grow
        self._moving.write(np.hstack([mesh, normals]))
        self._uniforms(look, state, view, light)
        self.drawn.use()
        self.drawn.clear(0.0, 0.0, 0.0, 0.0)
        self.context.enable(moderngl.CULL_FACE)
        self._array.render()
        self.context.disable(moderngl.CULL_FACE)
        if self._extra is not None:
            self._extra.render()
        if self.samples:
            self.context.copy_framebuffer(self.target, self.drawn)
        raw = np.frombuffer(self.target.read(components=4), np.uint8)
        return raw.reshape(self.size, self.size, 4)[::-1]

    def opening(self, look: Look, state: State) -> float:
        """How far the lips part, as AU25 intensity 0–5 (5: a fifth of the eyes' distance apart)."""
        marks = self.head.landmarks[[61, 62, 63, 65, 66, 67, 36, 45]]
        bent = self.head.bend(look.mesh, weights(state))[marks]
        rest = look.mesh[marks]
        gap = np.linalg.norm(bent[:3] - bent[5:2:-1], axis=1).mean()
        gap -= np.linalg.norm(rest[:3] - rest[5:2:-1], axis=1).mean()
        return float(np.clip(gap / np.linalg.norm(rest[6] - rest[7]) / 0.22 * 5, 0, 5))

    def _load(self, look: Look) -> None:
        self._textures[0].write(look.paint.tobytes())
        self._textures[1].write(np.ascontiguousarray(look.folds[..., :4]).tobytes())
        self._textures[2].write(np.ascontiguousarray(look.folds[..., 4:]).tobytes())
        self._ball.write(look.ball)
        self._extra = None
        places, normals, rest, triangles = look.extras
        if len(triangles):
            buffers = [
                (self.context.buffer(np.hstack([places, normals])), "3f 3f", "place", "normal"),
                (self.context.buffer(rest), "2f 1f", "at", "kind"),
                (self.context.buffer(np.zeros_like(places)), "3f", "ball"),
            ]
            index = self.context.buffer(triangles)
            self._extra = self.context.vertex_array(self.program, buffers, index)
        self._loaded = look.person.seed

    def _uniforms(self, look: Look, state: State, view: View, light: Light) -> None:
        person, turn = look.person, view.turn()
        deep = skin.pull(person, state)
        gaze = _rotation(state.get("gaze_yaw", 0.0), state.get("gaze_pitch", 0.0), 0) @ [0, 0, 1]
        for name, value in {
            "view": _camera(view, turn).T.ravel(),
            "turn": turn.T.ravel(),
            "eye": (0.0, 0.0, view.distance),
            "key_dir": light.key_dir,
            "key": light.key,
            "fill_dir": light.fill_dir,
            "fill": light.fill,
            "sky": light.sky,
            "ground": light.ground,
            "shine": person.shine,
            "depth": 0.8,
            "iris": person.iris,
            "iris_size": person.iris_size,
            "gaze": tuple(gaze),
            "hair": person.hair,
            "frame": person.glasses_color,
            "left_a": tuple(deep[0, :4]),
            "left_b": tuple(deep[0, 4:]),
            "right_a": tuple(deep[1, :4]),
            "right_b": tuple(deep[1, 4:]),
        }.items():
            if name in self.program:
                self.program[name] = value


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(-pitch), np.sin(-pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float32)


def _camera(view: View, turn: Floats) -> Floats:
    """Clip matrix: turn about the head's middle, perspective from `distance`."""
    focal = view.share * 2 * (view.distance - 8) / 20
    near, far = max(1.0, view.distance - 40), view.distance + 60
    move = np.eye(4, dtype=np.float32)
    move[:3, :3] = turn
    move[:3, 3] = turn @ np.array([0, -2, 0], np.float32)
    move[2, 3] -= view.distance
    lens = np.zeros((4, 4), np.float32)
    lens[0, 0] = lens[1, 1] = focal
    lens[0, 2], lens[1, 2] = -view.x, -view.y
    lens[2, 2] = -(far + near) / (far - near)
    lens[2, 3] = -2 * far * near / (far - near)
    lens[3, 2] = -1
    return np.asarray(lens @ move, np.float32)
