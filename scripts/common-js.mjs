// ES modules, as esbuild writes them, -> CommonJS. Node 20 starts its loader of ES modules only for those, and reads each of them in
// several turns of its event loop: that is 8 ms of each start. esbuild makes CommonJS itself, but without chunks, and each use of what
// another file has would be a call. Here names are taken once, which is right where files do not need each other in a circle, and
// nothing that is exported changes after its file has run; a chunk that breaks this fails at once, because a name is undefined.

import { Script } from 'node:vm';

const NAMES = /([\w$]+) as ([\w$]+)/g;
const STATEMENT_START = '(?<=^|[;}\\n])';
const IMPORT = new RegExp(`${STATEMENT_START}import(?:(\\{[^}]*\\})|\\*as ([\\w$]+)|([\\w$]+))?(?:from)?"([^"]+)";`, 'g');
const EXPORT = new RegExp(`${STATEMENT_START}export\\{([^}]*)\\};?`, 'g');
const DYNAMIC = /import\("(\.[^"]+)"\)/g;

/** @param {string} code Of one file, without spaces that need not be there. @param {string} file Its name, for errors. */
export function commonJs(code, file) {
  const converted = code
    .replace(IMPORT, (_, names, all, whole, from) => {
      if (names) return `const${names.replace(NAMES, '$1:$2')}=require("${from}");`;
      if (all ?? whole) return `const ${all ?? whole}=require("${from}");`; // the default of what Node brings is the same
      return `require("${from}");`;
    })
    .replace(EXPORT, (_, names) => `module.exports={${names.replace(NAMES, '$2:$1')}};`)
    .replace(DYNAMIC, 'Promise.resolve().then(()=>require("$1"))')
    .replaceAll('import.meta.url', 'require("node:url").pathToFileURL(__filename).href');
  new Script(converted, { filename: file }); // what is left of ES modules is an error of syntax
  return converted;
}
