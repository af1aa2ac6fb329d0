"use strict";
// What the page says when the connection of textual.js ends, by the code with which the server ended it.
const ENDINGS = {
  4000: ["You have left the screens; the book is closed.", "Open again"],
  4001: ["The screens are shown in another tab or window.", "Show them here"],
  4002: ["The screens ended with an error. The terminal shows why.", "Open again"],
  4003: ["rebal-tui has ended; the book is closed. Start it again in the terminal.", "Try again"],
};
const LOST = ["The connection to rebal-tui has ended.", "Connect again"];
const NO_WEBGL = ["The screens need WebGL 2, which this browser does not offer or has turned off.", "Try again"];

function end([text, again]) {
  document.getElementById("ended-text").textContent = text;
  const button = document.getElementById("again");
  button.textContent = again;
  document.body.classList.add("-closed");
  button.focus();
}

const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(url) {
    super(url);
    this.addEventListener("open", () => document.querySelector(".xterm-helper-textarea").focus());
    this.addEventListener("close", (event) => end(ENDINGS[event.code] || LOST));
  }
};

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("again").addEventListener("click", () => window.location.reload());
  if (!document.createElement("canvas").getContext("webgl2")) end(NO_WEBGL);
});
