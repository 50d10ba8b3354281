using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using MailApi.Testing;
using MailKit.Security;
using MimeKit;

namespace MailApi.EndToEnd.Tests;

/// <summary>What a program is told to send by SMTP: where to log in with what, and the mail.</summary>
/// <param name="Port">587 or 465, as it is here.</param>
/// <param name="StartsWithTls">It is 465.</param>
/// <param name="Key">The password.</param>
/// <param name="Authority">A PEM file with whom the program shall trust.</param>
/// <param name="From">The author.</param>
/// <param name="To">The recipient.</param>
public sealed record SubmissionJob(int Port, bool StartsWithTls, string Key, string Authority, string From, string To)
{
    /// <summary>As the listener's certificate has it.</summary>
    public const string Host = "localhost";
    public const string Subject = "Größe 北京";
    public const string Text = "Ihr Paket ist unterwegs.\r\n.\r\nStraße 1";
}

/// <summary>Programs that send mail by SMTP as their users do, given nothing but host, port and key. They check the certificate.</summary>
public static class Submitters
{
    private const string NodemailerVersion = "10.6.1";

    private static readonly ConcurrentDictionary<string, bool> Trusted = new();
    private static readonly Lazy<Task<string>> Nodemailer = new(InstallNodemailer);

    private const string Smtplib = """
        import smtplib, ssl, sys
        from email.message import EmailMessage
        host, port, first, key, authority, sender, to, subject, text = sys.argv[1:]
        context = ssl.create_default_context(cafile=authority)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message.set_content(text)
        smtp = smtplib.SMTP_SSL(host, int(port), context=context) if first == "True" else smtplib.SMTP(host, int(port))
        if first != "True": smtp.starttls(context=context)
        smtp.login("apikey", key)
        smtp.send_message(message)
        smtp.quit()
        """;

    private const string NodeScript = """
        const [host, port, secure, pass, from, to, subject, text] = process.argv.slice(1);
        require("nodemailer").createTransport({ host, port, secure: secure === "True", auth: { user: "apikey", pass } })
          .sendMail({ from, to, subject, text }).then(sent => console.log(sent.response), error => { console.error(error); process.exit(1); });
        """;

    /// <summary>PHPMailer, as WordPress brings it.</summary>
    private const string PhpMailer = """
        require '/usr/share/php/libphp-phpmailer/autoload.php';
        [, $host, $port, $first, $key, $authority, $from, $to, $subject, $text] = $argv;
        $mail = new PHPMailer\PHPMailer\PHPMailer(true);
        $mail->isSMTP();
        $mail->Host = $host;
        $mail->Port = (int)$port;
        $mail->SMTPAuth = true;
        $mail->SMTPSecure = $first === 'True' ? 'ssl' : 'tls';
        $mail->SMTPOptions = ['ssl' => ['cafile' => $authority]];
        $mail->Username = 'apikey';
        $mail->Password = $key;
        $mail->CharSet = 'UTF-8';
        $mail->setFrom($from, 'WordPress');
        $mail->addAddress($to);
        $mail->Subject = $subject;
        $mail->Body = $text;
        $mail->send();
        """;

    /// <summary>Each by its name. System.Net.Mail knows only STARTTLS.</summary>
    public static IEnumerable<(string Name, Func<SubmissionJob, Task> Send)> For(bool startsWithTls)
    {
        yield return ("smtplib", SendWithSmtplib);
        yield return ("nodemailer", SendWithNodemailer);
        yield return ("phpmailer", SendWithPhpMailer);
        yield return ("swaks", SendWithSwaks);
        yield return ("mailkit", SendWithMailKit);
        if (!startsWithTls) yield return ("system-net-mail", SendWithSystemNetMail);
    }

    private static Task<string> SendWithSmtplib(SubmissionJob job) => Command.RunAsync(
        new Launch("/usr/bin/python3", "-c", Smtplib, SubmissionJob.Host, Port(job), job.StartsWithTls.ToString(), job.Key, job.Authority, job.From, job.To, SubmissionJob.Subject, SubmissionJob.Text), CancellationToken.None);

    private static Task<string> SendWithPhpMailer(SubmissionJob job) => Command.RunAsync(
        new Launch("php", "-r", PhpMailer, "--", SubmissionJob.Host, Port(job), job.StartsWithTls.ToString(), job.Key, job.Authority, job.From, job.To, SubmissionJob.Subject, SubmissionJob.Text), CancellationToken.None);

    private static async Task SendWithNodemailer(SubmissionJob job)
    {
        var programs = await Nodemailer.Value;
        var launch = new Launch("node", "-e", NodeScript, SubmissionJob.Host, Port(job), job.StartsWithTls.ToString(), job.Key, job.From, job.To, SubmissionJob.Subject, SubmissionJob.Text)
        {
            WorkingDirectory = programs,
            Environment = new Dictionary<string, string?> { ["NODE_EXTRA_CA_CERTS"] = job.Authority },
        };
        Assert.StartsWith("250 2.0.0 msg_", await Command.RunAsync(launch, CancellationToken.None), StringComparison.Ordinal);
    }

    private static Task<string> SendWithSwaks(SubmissionJob job) => Command.RunAsync(
        new Launch("swaks", "--server", SubmissionJob.Host, "--port", Port(job), job.StartsWithTls ? "--tls-on-connect" : "--tls", "--tls-verify", "--tls-ca-path", job.Authority, "--auth", "--auth-user", "apikey",
            "--auth-password", job.Key, "--from", job.From, "--to", job.To, "--header", $"Subject: {SubmissionJob.Subject}", "--body", SubmissionJob.Text.ReplaceLineEndings("\\n")), CancellationToken.None);

    private static async Task SendWithMailKit(SubmissionJob job)
    {
        using var message = new MimeMessage(new[] { MailboxAddress.Parse(job.From) }, new[] { MailboxAddress.Parse(job.To) }, SubmissionJob.Subject, new TextPart("plain") { Text = SubmissionJob.Text });
        using var client = new MailKit.Net.Smtp.SmtpClient { ServerCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == Thumbprint(job) };
        await client.ConnectAsync(SubmissionJob.Host, job.Port, job.StartsWithTls ? SecureSocketOptions.SslOnConnect : SecureSocketOptions.StartTls);
        await client.AuthenticateAsync("apikey", job.Key);
        Assert.Contains("msg_", await client.SendAsync(message), StringComparison.Ordinal);
        await client.DisconnectAsync(quit: true);
    }

    private static async Task SendWithSystemNetMail(SubmissionJob job)
    {
        // One for the whole process, in which jobs with other certificates may run.
        Trusted[Thumbprint(job)] = true;
#pragma warning disable SYSLIB0014 // The only way to tell System.Net.Mail whom to trust.
        ServicePointManager.ServerCertificateValidationCallback = (_, certificate, _, errors) => errors == SslPolicyErrors.None || (certificate is not null && Trusted.ContainsKey(certificate.GetCertHashString()));
#pragma warning restore SYSLIB0014
        using var client = new System.Net.Mail.SmtpClient(SubmissionJob.Host, job.Port) { EnableSsl = true, Credentials = new NetworkCredential("apikey", job.Key) };
        using var message = new System.Net.Mail.MailMessage(job.From, job.To, SubmissionJob.Subject, SubmissionJob.Text);
        await client.SendMailAsync(message);
    }

    private static string Thumbprint(SubmissionJob job)
    {
        using var trusted = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(job.Authority);
        return trusted.Thumbprint;
    }

    private static string Port(SubmissionJob job) => job.Port.ToString(CultureInfo.InvariantCulture);

    private static async Task<string> InstallNodemailer()
    {
        var programs = Path.Combine(Repository.Root, "artifacts/nodemailer");
        if (File.Exists(Path.Combine(programs, "node_modules/nodemailer/package.json"))) return programs;
        Directory.CreateDirectory(programs);
        await Command.RunAsync(
            new Launch("npm", "install", "--prefix", programs, "--no-audit", "--no-fund", "--ignore-scripts", $"nodemailer@{NodemailerVersion}") { WorkingDirectory = programs }, CancellationToken.None);
        return programs;
    }
}
