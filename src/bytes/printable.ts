// Foreign text for a terminal: names, paths and lines of C are whoever's made the object, and a terminal would do what they say.

/** Most text is nothing but this, and is looked at no further. */
const PLAIN = /^[\t\n -~]*$/;

/**
 * Characters that a terminal obeys or hides, so that what is read is not what is there: control characters, marks that turn the direction
 * of text, characters without a width, separators of lines and paragraphs. A tab and a newline are layout.
 */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text of several lines for a terminal: hidden characters become question marks. */
export const printableLines = (text: string): string => (PLAIN.test(text) ? text : text.replace(HIDDEN, '?'));

/** As `printableLines`, for one line: a tab is two spaces. */
export const printable = (text: string): string => printableLines(text.replace(/\t/g, '  ').replaceAll('\n', '?'));

/** JSON for a terminal: hidden characters are escaped, so it is the same JSON. They stand only in strings. */
export const printableJson = (json: string): string => (PLAIN.test(json) ? json : json.replace(HIDDEN, escaped));

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
