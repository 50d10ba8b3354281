using MailApi.Bench;

if (Arguments.TryParse(args, out var command, out var arguments, out var error))
{
    Console.WriteLine(Machine.Description);
    switch (command)
    {
        case "accept": return await AcceptRun.Run(arguments);
        case "throughput": return await ThroughputRun.Run(arguments);
        case "idle": return await IdleRun.Run();
        case "start": return await StartRun.Run(arguments);
        case "diagnose": return await DiagnoseRun.Run(arguments);
        case "lists": return await ListsRun.Run(arguments);
        case "retention": return await RetentionRun.Run(arguments);
        case "endurance": return await EnduranceRun.Run(arguments);
        case "group-commit": return await GroupCommitRun.Run(arguments);
        case "returns": return await ReturnsRun.Run(arguments);
        case "load": return await LoadRun.Run(arguments);
        case "sink": return await SinkRun.Run(arguments);
        case "compare": return await CompareRun.Run(arguments);
        case "curves": return await CurvesRun.Run(arguments);
        case "fuzz": return await FuzzRun.Run(args, arguments);
        case "abuse": return await AbuseRun.Run(arguments);
        case "attack": return await AttackRun.Run(arguments);
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
      lists         --rows 1000000 --mode …                                            a suppression list in, in again, and out
      retention     --rows 100000 --mode …                                             looking for what is past its time, and removing it
      endurance     --minutes 60 --rate 50 --mode …                                    memory, threads, files and latency, from the beginning to the end
      group-commit  --messages 4000 --concurrent 64 --mode embedded|distributed        batched commits against one a message
      abuse         --rate 50 --seconds 20 --times 3 --only "slow bodies" --mode …      honest senders' latency beside slow, many and large ones, as a ratio
      attack        --target "slow bodies" --port 8080 (25), the key in MAILAPI_KEY    one of those, until it is ended
      returns       --messages 10000 --connections 16 --mode …                         bounces into port 25; they, complaints and unsubscriptions on to a webhook
      load          --rate 500 --seconds 30 (an open loop), or --messages 20000 --connections 64 (a closed one);
                    --tenants 4 --domains 1 (of each) --sites 4 --size 5120 --recipients 1 --warm-up 2000 --mode …
      sink          --port 2525 --messages 0 (no end) --verify 20 --dns 127.0.0.1:53   counts, plays the scripts of its recipients, verifies a sample
      compare       --messages 20000 --warm-up 2000 --domains 4 --connections 100 --rate 500 --seconds 30
                    --without postfix,haraka,embedded,distributed                      with Postfix and Haraka → docs/performance/comparison.*
      fuzz          --target returned,smtp (all) --minutes 1 --seed …                 changed input at the readers of what strangers write → artifacts/fuzz
                    --keep 40                                                          keeps the most telling of it for the tests → tests/MailApi.Bench/Fuzz/Corpus
      curves        --only tenants,domains,sites,size,recipients,queued --scale 1 --mode … → docs/performance/curves.*

    --set Key=Value, as often as needed, adds a setting of the program to load, compare and curves; --out names another folder than docs/performance.
    """);
return 2;
