"use strict";
// What is stored in the page as base64 of gzip, unpacked by the browser.

const Packed = (() => {
  function response(packed) {
    const bytes = Uint8Array.from(atob(packed.trim()), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  }
  return { json: (packed) => response(packed).json(), text: (packed) => response(packed).text() };
})();
