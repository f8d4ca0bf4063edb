// `tsbpf link`: attachments that are objects of their own.

import type { Command } from 'commander';
import { linkJson, linkText } from '../live/index.js';
import { mustBpf, type ObjectContext, pinObject, shownLink, walk } from '../syscall/index.js';
import { contextOf, type NounContext, nounCommand, printAll, printDone } from './nouns.js';
import { LEGENDS, selectAll, selectOne } from './selectors.js';
import type { Words } from './verbs.js';

export const linkCommand = (): Command =>
  nounCommand({
    name: 'link',
    legend: LEGENDS.link,
    verbs: [
      { name: 'show', words: '[LINK]', run: show },
      { name: 'list', words: '[LINK]', run: show },
      { name: 'pin', words: 'LINK PATH', run: pin },
      { name: 'detach', words: 'LINK', run: detach },
    ],
  });

function show(words: Words, context: NounContext): void {
  const as = { json: linkJson, text: linkText };
  const look = (fd: number, asked: ObjectContext) => shownLink(fd, asked);
  if (words.left === 0) {
    const asked = contextOf('link', context);
    printAll(
      context,
      Array.from(walk('link'), ({ fd }) => look(fd, asked)),
      as,
      { list: true },
    );
    return;
  }
  using selected = selectAll('link', words);
  words.end();
  const asked = contextOf('link', context);
  printAll(
    context,
    selected.fds.map((fd) => look(fd, asked)),
    as,
    { list: false },
  );
}

function pin(words: Words, context: NounContext): void {
  using link = selectOne('link', words);
  const path = words.next('a path');
  words.end();
  pinObject(link.fd, path, context);
  printDone(context);
}

function detach(words: Words, context: NounContext): void {
  using link = selectOne('link', words);
  words.end();
  mustBpf('BPF_LINK_DETACH', { link_fd: link.fd }, 'Cannot detach the link', {
    ENOTSUPP: 'Links of this type cannot be detached: they end when nobody holds them any more, and are pinned nowhere.',
    EOPNOTSUPP: 'Links of this type cannot be detached: they end when nobody holds them any more, and are pinned nowhere.',
  });
  printDone(context);
}
