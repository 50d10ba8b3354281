using MailApi.Proof;

return await Commands.Run(args);
