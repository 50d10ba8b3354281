namespace MailApi.Mail.Smtp.Listener;

/// <summary>Memory that sessions share for messages that are still coming in: many clients that each keep to the limit of one message must not take it all.</summary>
public sealed class ContentBudget(long bytesMax)
{
    private long taken;

    /// <summary>False, and nothing is taken, when there is not so much left.</summary>
    internal bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref taken, bytes) <= bytesMax) return true;
        Interlocked.Add(ref taken, -bytes);
        return false;
    }

    internal void Give(int bytes) => Interlocked.Add(ref taken, -bytes);
}
