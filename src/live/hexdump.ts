// Data beside its characters, 16 bytes a line, as `prog run` shows what a program wrote.

export function hexDump(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 16) {
    const row = bytes.subarray(start, start + 16);
    let cells = '';
    for (let i = 0; i < 16; i++) {
      const byte = row[i];
      cells += `${byte === undefined ? '  ' : byte.toString(16).padStart(2, '0')}${i % 2 ? ' ' : ''}`;
    }
    const letters = Array.from(
      row,
      (byte, i) => (byte < 0x20 || byte > 0x7e ? '.' : String.fromCharCode(byte)) + (i === 7 ? ' ' : ''),
    );
    text += `${start.toString(16).padStart(7, '0')}\t${cells}| ${letters.join('')}\n`;
  }
  return text;
}
