// One moment for the whole page: the video's while it plays, its own where nothing can play.

/** Tells everybody what moment it is. */
export class Clock {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this._video = video;
    this._own = 0;
    this._told = -1;
    this.duration = 0;
    /** Whether the video shows the clip. */
    this.plays = false;
    /** @type {((time: number) => void)[]} */
    this._listeners = [];
    for (const event of ["timeupdate", "seeking", "seeked", "loadeddata"]) {
      video.addEventListener(event, () => this._tell());
    }
    const frame = () => {
      if (!video.paused) this._tell();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Seconds. */
  get time() {
    return this.plays ? this._video.currentTime : this._own;
  }

  /** @param {(time: number) => void} listener */
  on(listener) {
    this._listeners.push(listener);
  }

  /** @param {number} time */
  seek(time) {
    const inside = Math.min(Math.max(time, 0), this.duration);
    this._own = inside;
    if (this.plays) this._video.currentTime = inside;
    this._tell(inside);
  }

  /** Tell everybody once more, after what is shown has changed. */
  refresh() {
    this._told = -1;
    this._tell();
  }

  /** Play or pause; nothing where there is no video. */
  toggle() {
    if (!this.plays) return;
    if (this._video.paused) void this._video.play().catch(() => undefined);
    else this._video.pause();
  }

  pause() {
    if (this.plays) this._video.pause();
  }

  /** @param {number} duration @param {boolean} plays */
  start(duration, plays) {
    this.duration = duration;
    this.plays = plays;
    this._own = 0;
    this.refresh();
  }

  _tell(time = this.time) {
    if (time === this._told) return;
    this._told = time;
    for (const listener of this._listeners) listener(time);
  }
}
