// The way to the kernel and back: messages with ids of our own, and a word when the kernel does not answer.

const PATIENCE = 2000; // ms without an answer, after which the widget says so

class Link extends Events {
  constructor(model) {
    super();
    this.model = model;
    this.asked = new Map();
    this.number = 0;
    this.pinged = 0; // number of the ping that is under way; 0 is none
    this.saidMore = false;
    this.waiting = false;
    this.hear = (message, buffers) => this.receive(message, buffers || []);
    model.on("msg:custom", this.hear);
  }

  /** Send a message without waiting for anything. */
  tell(message) {
    try {
      this.model.send(message);
    } catch (error) {
      console.warn("ikpipe: the kernel cannot be reached", error);
    }
  }

  /** Send a message that the kernel is to take note of: it is followed by a ping, whose answer comes after it. */
  say(message) {
    this.tell(message);
    this.ping();
  }

  /** Send a message and give the answer to it. Where only a refusal is `answered`, the next pong means "taken". */
  ask(message, { answered = true } = {}) {
    const number = ++this.number;
    const request = `q${number}`;
    const answer = new Promise((resolve, reject) => this.asked.set(request, { number, answered, resolve, reject }));
    this.say({ ...message, request });
    return answer;
  }

  ping() {
    if (this.pinged) {
      this.saidMore = true;
      return;
    }
    this.pinged = ++this.number;
    this.tell({ type: "ping", n: this.pinged });
    this.timer = setTimeout(() => this.setWaiting(true), PATIENCE);
  }

  receive(message, buffers) {
    if (!message || typeof message.type !== "string") return;
    if (message.type === "pong") this.receivePong(message);
    const asked = this.asked.get(message.request);
    this.asked.delete(message.request);
    if (asked) {
      if (message.type === "error") asked.reject(new Error(message.message));
      else asked.resolve(message);
    }
    if (message.type !== "error" || !asked) this.emit(message.type, message, buffers);
  }

  receivePong(message) {
    if (message.n !== this.pinged) return;
    clearTimeout(this.timer);
    this.pinged = 0;
    this.setWaiting(false);
    this.settle(message.n);
    if (this.saidMore) {
      this.saidMore = false;
      this.ping();
    }
  }

  settle(n) {
    for (const [request, { number, answered, resolve }] of this.asked) {
      if (answered || number > n) continue;
      this.asked.delete(request);
      resolve(null);
    }
  }

  setWaiting(waiting) {
    if (waiting === this.waiting) return;
    this.waiting = waiting;
    this.emit("waiting", waiting);
  }

  /** Tell whether the kernel answers, within the time after which we call it busy. */
  async answers() {
    this.ping();
    const n = this.pinged;
    if (this.waiting) return false;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), PATIENCE);
      const end = this.on("pong", (message) => message.n >= n && done(true));
      const done = (alive) => {
        clearTimeout(timer);
        end();
        resolve(alive);
      };
    });
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.hear);
  }
}
