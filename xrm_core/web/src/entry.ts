// What the build starts from: all that is on every page becomes one file.
import "./app.ts";
