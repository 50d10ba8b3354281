namespace MailApi.Mail.Shaping;

/// <summary>Mail that is served in turn with that of others at the same site.</summary>
/// <param name="Urgency">0 goes before 1 before 2.</param>
/// <param name="Owner">Whose it is.</param>
public readonly record struct Flow(int Urgency, Guid Owner);
