// Shows the clip from the visitor's own disk: video, picture or sound; nothing is fetched for it.
import { at } from "./dom.js";

/** The clip that is looked at. */
export class Stage {
  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    this._clock = clock;
    this._frame = at("frame", HTMLDivElement);
    this._video = at("video", HTMLVideoElement);
    this._still = at("still", HTMLImageElement);
    this._note = at("unplayable", HTMLParagraphElement);
    this._url = "";
    this._broken = false;
    this._video.addEventListener("error", () => this._unplayable());
  }

  /** Address of the clip within this page. */
  get url() {
    return this._url;
  }

  /** @returns {boolean} whether its picture can be seen here */
  get seen() {
    return this._still.naturalWidth > 0 || this._video.videoWidth > 0;
  }

  /** @param {File} file */
  show(file) {
    this.clear();
    this._url = URL.createObjectURL(file);
    const still = file.type.startsWith("image/");
    this._still.hidden = !still;
    this._video.hidden = still;
    (still ? this._still : this._video).src = this._url;
    this._clock.start(0, !still);
    this._frame.hidden = false;
  }

  /** What the server found the clip to be. @param {import("./types.d.ts").Media} media */
  is(media) {
    // A browser that cannot decode the pictures of a video may still play its sound.
    const blank = this._video.readyState > 0 && !this._video.videoWidth;
    if (media.kind === "video" && blank) this._unseen();
    const plays = media.kind !== "image" && !this._broken;
    this._clock.start(media.duration, plays);
    if (media.has_video) this._shape(media.width, media.height);
    this._frame.classList.toggle("sound", !media.has_video);
  }

  clear() {
    if (this._url) URL.revokeObjectURL(this._url);
    this._url = "";
    this._broken = false;
    this._note.hidden = true;
    this._frame.hidden = true;
    this._frame.classList.remove("sound", "unplayable");
    for (const shown of [this._video, this._still]) shown.removeAttribute("src");
    this._video.load();
    this._shape(16, 9);
  }

  /** @param {number} width @param {number} height */
  _shape(width, height) {
    this._frame.style.setProperty("--ratio", `${width / height}`);
  }

  _unplayable() {
    if (!this._url || this._video.hidden) return;
    this._broken = true;
    this._unseen();
    this._clock.start(this._clock.duration, false);
  }

  _unseen() {
    this._note.hidden = false;
    this._frame.classList.add("unplayable");
  }
}
