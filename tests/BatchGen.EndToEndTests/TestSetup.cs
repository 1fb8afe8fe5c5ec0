// Every test renders on all cores: one after another.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: Xunit.AssemblyFixture(typeof(BatchGen.Testing.TestServerEnd))]
[assembly: Xunit.AssemblyFixture(typeof(BatchGen.EndToEndTests.Browser.SharedBrowser))]
