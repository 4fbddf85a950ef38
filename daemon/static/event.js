// The page of one event: times as on the wall, and its two buttons.
import "./times.js";
import "./verdicts.js";
