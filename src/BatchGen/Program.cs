using BatchGen.Composition;

return await CommandLine.RunAsync(args, ProgramContext.OfProcess());
