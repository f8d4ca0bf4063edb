// `tsbpf doctor`: why BPF does or does not work here.

import { Command } from 'commander';
import { diagnose } from '../doctor/index.js';
import { doctorJson, doctorText, toJson } from '../run/index.js';
import { readDoctorFacts } from '../syscall/index.js';
import { printJsonLine, printText } from './output.js';

interface DoctorFlags {
  readonly json?: true;
}

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description('say why BPF does or does not work on this machine, and what mends it')
    .option('-j, --json', 'as one JSON object: { ok, count, checks, hooks }')
    .addHelpText(
      'after',
      '\nPrograms that do nothing are loaded for each kind of hook, and attached for a moment where that touches nobody else.\nExample: sudo npx tsbpf doctor\nExit code 1: at least one row is a problem. What this kernel is too old for, or built without, is a warning.',
    )
    .action((flags: DoctorFlags) => {
      const diagnosis = diagnose(readDoctorFacts());
      if (flags.json) printJsonLine(toJson(doctorJson(diagnosis)));
      else printText(doctorText(diagnosis));
      if (diagnosis.count.problem > 0) process.exitCode = 1;
    });
