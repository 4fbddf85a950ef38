// The page of one event: times as on the wall, its buttons, and what is like it.
import "./review.js";
import "./search.js";
