/* When the page's server says "not so fast" (429) or "who are you?" (401): waits and asks again, or
 * offers the log-in. On window.jetlrp.patience. */
(function () {
  "use strict";

  const MOST = 6; // times that one request is sent again
  const LONGEST = 60; // s between two of them
  const OWN = /\/_dash-(update-component|layout|dependencies)$/;
  const send = window.fetch.bind(window);
  let waiting = 0;

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** Says in passing why nothing happens, and in how many seconds it does. */
  function tell(until) {
    let box = document.getElementById("patience");
    if (!box) {
      box = document.createElement("div");
      box.id = "patience";
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    const left = Math.ceil((until - performance.now()) / 1000);
    box.textContent = `Many requests at once. Going on in ${Math.max(left, 1)} s …`;
    box.hidden = waiting === 0;
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
    const view = window.location.pathname + window.location.search;
    return `/login?next=${encodeURIComponent(view)}`;
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
    const address = new URL(typeof input === "string" ? input : input.url || input, document.baseURI);
    const own = address.origin === window.location.origin && OWN.test(address.pathname);
    let answer = await send(input, init);
    for (let time = 0; own && answer.status === 429 && time < MOST; time += 1) {
      await wait(Math.min(Number(answer.headers.get("Retry-After")) || 2, LONGEST));
      answer = await send(input, init);
    }
    if (own && answer.status === 401) {
      loggedOut();
      return new Promise(() => {}); // nobody is to hear of an error that a log-in puts right
    }
    return answer;
  };

  window.jetlrp = window.jetlrp || {};
  window.jetlrp.patience = { logIn };
})();
