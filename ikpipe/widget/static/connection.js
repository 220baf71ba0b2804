// Whether Python can answer: it runs another cell, was restarted, or is gone. A notebook knows the status of its kernel;
// elsewhere, only a missing answer tells that something is wrong.

import { EventEmitter } from "./dom.js";

const UNANSWERED = 2; // pings, after which an idle kernel does not know this widget
const GONE = new Set(["restarting", "autorestarting"]); // statuses in which a kernel forgets its widgets
const STOPPED = new Set(["dead", "terminating"]);

/** @typedef {"ready" | "busy" | "disconnected" | "restarted" | "stopped"} ConnectionState */

export class Connection extends EventEmitter {
  /** @param {Kernel} kernel */
  constructor(kernel) {
    super();
    this.kernel = kernel;
    /** @type {ConnectionState} */
    this.state = "ready";
    this.forgotten = false; // whether the kernel has certainly lost this widget
    this.unanswered = 0; // pings
    this.reported = false; // whether the notebook reports when its kernel is busy
    this.hostChanged = () => {
      this.reported ||= this.host?.status === "busy";
      if (this.isRestarting) this.forgotten = true;
      this.setState();
    };
    kernel.on("waiting", () => this.setState());
    kernel.on("unanswered", (n) => {
      this.unanswered = n;
      this.setState();
    });
    kernel.on("answer", () => {
      this.forgotten &&= this.isRestarting; // it can have been on the way when the kernel was restarted
      this.unanswered = 0;
      this.setState();
    });
    this.follow();
  }

  /** Observe the kernel of the model's notebook, if it shows it. */
  follow() {
    this.close();
    this.forgotten = false;
    this.unanswered = 0;
    this.host = this.kernel.model.widget_manager?.kernel;
    for (const signal of this.signals) signal.connect(this.hostChanged);
    this.setState();
  }

  get signals() {
    return [this.host?.statusChanged, this.host?.connectionStatusChanged].flatMap((signal) => signal ?? []);
  }

  /** Whether nothing can be asked of Python until the cell is run again. */
  get isGone() {
    return this.state === "restarted" || this.state === "stopped";
  }

  get isRestarting() {
    return GONE.has(this.host?.status ?? "");
  }

  /** Record that another kernel runs in the same notebook now. */
  replaced() {
    this.forgotten = true;
    this.setState();
  }

  setState() {
    this.kernel.silent = this.forgotten; // it does not know the widget, and would log each message as an error
    const state = this.current();
    if (state === this.state) return;
    this.state = state;
    this.emit("change");
  }

  /** @returns {ConnectionState} */
  current() {
    const { status = "", connectionStatus = "connected", isDisposed } = this.host ?? {};
    if (STOPPED.has(status) || isDisposed) return "stopped"; // a kernel that was shut down is disposed, its status unknown
    if (this.forgotten || (this.reported && status === "idle" && this.unanswered >= UNANSWERED)) return "restarted";
    if (!this.kernel.waiting) return "ready";
    return connectionStatus === "connected" ? "busy" : "disconnected";
  }

  close() {
    for (const signal of this.signals) signal.disconnect(this.hostChanged);
  }
}
