// The page of one event: times as on the wall, and its buttons.
import "./review.js";
import "./times.js";
import "./verdicts.js";
