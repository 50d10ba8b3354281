using MailApi.Bench;

if (Arguments.TryParse(args, out var command, out var arguments, out var error))
{
    Machine.Describe();
    switch (command)
    {
        case "accept": return await AcceptRun.Run(arguments);
        case "throughput": return await ThroughputRun.Run(arguments);
        case "idle": return await IdleRun.Run();
        case "start": return await StartRun.Run(arguments);
        case "diagnose": return await DiagnoseRun.Run(arguments);
        case "group-commit": return await GroupCommitRun.Run(arguments);
        default: error = $"There is no measurement '{command}'."; break;
    }
}
await Console.Error.WriteLineAsync(
    $"""
    {error}

    Measures the published program: dotnet publish src/MailApi -c Release -o artifacts/publish, or set MAILAPI_BINARY.

      accept        --rate 200 --seconds 30 --rehearse 10 --warm-up 5 --mode …         latency at a fixed rate of arrivals
      throughput    --messages 20000 --connections 32 --warm-up 2000 --mode …          as fast as it goes
      idle                                                                             resident memory without traffic
      start         --times 5                                                          from exec to /health/ready
      diagnose      --times 200 --mode …                                               POST /diagnose/send with warm DNS
      group-commit  --messages 4000 --concurrent 64 --mode embedded|distributed        batched commits against one a message
    """);
return 2;
