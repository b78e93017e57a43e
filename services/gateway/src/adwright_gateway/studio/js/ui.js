// The one place that knows where the UI library is.
export { html, render, useState, useEffect, useRef, useMemo, useReducer, useCallback } from "../vendor/preact-htm-3.1.1.js";
