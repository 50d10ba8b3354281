using MailApi.Hosting;

try
{
    await MailApiHost.Build(args).RunAsync();
    return 0;
}
catch (SettingsException e)
{
    await Console.Error.WriteLineAsync("MailApi cannot start: " + e.Message);
    return 1;
}
