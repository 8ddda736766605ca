"""A campaign of hostile input: damaged files, lying servers, impossible options.

`python -m tests.hostile --cases 10000 --seed N` draws the cases, runs each one in a process of its own with limits on
time and memory, and prints a table of what came of them. `--case AREA/NUMBER` repeats one.

The mutators are our own: what is well kept (atheris, its libprotobuf mutator) is a coverage-guided fuzzer that wants
to own the process, and pyradamsa has had no release since 2020. Cases follow from the seed alone, through
`random.Random`, so that a number repeats a case on any machine; Hypothesis promises that only within a version.
"""
