[assembly: Xunit.AssemblyFixture(typeof(BatchGen.Testing.TestServerEnd))]
