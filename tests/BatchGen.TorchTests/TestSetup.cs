// Torch uses every core for one operation, and live tensors are counted for the whole process: tests run one after another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
