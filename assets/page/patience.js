/* When the page's server says "not so fast" (429) or "who are you?" (401), or is away itself: waits and
 * asks again, or offers the log-in. */
const MOST = 6; // times that one request is sent again
const LONGEST = 60; // s between two of them
const NOBODY = [502, 503]; // what a reverse proxy says while there is no server behind it
const OWN = /\/_dash-(update-component|layout|dependencies)$/;
const send = window.fetch.bind(window);
const own = { logIn, beat: 2000 }; // beat: ms between two questions whether the server is back
let waiting = 0;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says something in passing; nothing where there are no words. */
function say(words) {
  let box = document.getElementById("patience");
  if (!box) {
    box = document.createElement("div");
    box.id = "patience";
    box.setAttribute("role", "status");
    document.body.append(box);
  }
  box.textContent = words;
  box.hidden = !words;
}

/** Why nothing happens, and in how many seconds it does. */
function tell(until) {
  const left = Math.ceil((until - performance.now()) / 1000);
  if (away) return;
  say(waiting ? `Many requests at once. Going on in ${Math.max(left, 1)} s …` : "");
}

let away = null; // until the server is back: the wait for it, one for all requests

/** Waits until the page's server answers again, whatever it says; out of sight it is not asked. */
async function back() {
  const alive = new URL("alive", document.getElementById("jetlrp-plotly").href);
  for (;;) {
    await pause(own.beat);
    if (document.visibilityState !== "visible") continue;
    try {
      const answer = await send(alive, { cache: "no-store" });
      if (!NOBODY.includes(answer.status)) break;
    } catch {
      // not yet
    }
    say("The server is away. The page goes on by itself when it is back …");
  }
  away = null;
  say("");
}

/** Sends what the page asks; while the server is away it waits, and sends it once more then.
 *
 * These requests only look, so sending one twice does no harm. One that fails again and again of
 * a server that is there is given up. */
async function ask(input, init) {
  for (let time = 0; ; time += 1) {
    try {
      const answer = await send(input, init);
      if (!NOBODY.includes(answer.status) || time >= MOST) return answer;
    } catch (error) {
      if (time >= MOST || init?.signal?.aborted) throw error;
    }
    away ??= back();
    await away;
  }
}

async function wait(seconds) {
  const until = performance.now() + seconds * 1000;
  waiting += 1;
  while (performance.now() < until) {
    tell(until);
    await pause(Math.min(250, Math.max(0, until - performance.now())));
  }
  waiting -= 1;
  tell(until);
}

/** Where to log in, and come back to this view. */
function logIn() {
  const top = new URL("..", document.getElementById("jetlrp-plotly").href).pathname;
  const view = `/${window.location.pathname.slice(top.length)}${window.location.search}`;
  return `${top}login?next=${encodeURIComponent(view)}`;
}

function loggedOut() {
  if (document.getElementById("logged-out")) return;
  const box = document.createElement("dialog");
  box.id = "logged-out";
  box.className = "link-dialog";
  box.setAttribute("aria-labelledby", "logged-out-title");
  const title = document.createElement("h2");
  title.id = "logged-out-title";
  title.textContent = "You are no longer logged in";
  const words = document.createElement("p");
  words.className = "muted";
  words.textContent = "Log in again to go on; this view is kept.";
  const link = document.createElement("a");
  link.className = "button";
  link.textContent = "Log in";
  link.href = logIn();
  link.addEventListener("click", () => { link.href = logIn(); });
  box.append(title, words, link);
  document.body.append(box);
  box.showModal();
}

window.fetch = async function (input, init) {
  const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
  const ours = address.origin === window.location.origin && OWN.test(address.pathname);
  if (!ours) return send(input, init);
  let answer = await ask(input, init);
  for (let time = 0; answer.status === 429 && time < MOST; time += 1) {
    await wait(Math.min(Number(answer.headers.get("Retry-After")) || 2, LONGEST));
    answer = await ask(input, init);
  }
  if (answer.status === 401) {
    loggedOut();
    return new Promise(() => {}); // nobody is to hear of an error that a log-in puts right
  }
  return answer;
};

export const patience = own;
