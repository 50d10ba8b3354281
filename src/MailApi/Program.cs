using MailApi.Hosting;

try
{
    if (await OperatorCommands.Run(args) is { } exitCode) return exitCode;
    await MailApiHost.Build(args).RunAsync();
    return 0;
}
catch (SettingsException e)
{
    await Console.Error.WriteLineAsync("MailApi cannot start: " + e.Message);
    return 1;
}
