using MailApi.Storage;

namespace MailApi.Tests.Storage;

public sealed class PositionalSqlTests
{
    [Theory]
    [InlineData("select @a, @b", "select $1, $2")]
    [InlineData("select (@a)", "select ($1)")]
    [InlineData("update t set a=@a where b<@b and c=@a", "update t set a=$1 where b<$2 and c=$1")]
    [InlineData("select cast(@a as bigint), @b::uuid, a::text::bigint", "select cast($1 as bigint), $2::uuid, a::text::bigint")]
    [InlineData("where id in (@m1, @m10, @m_1)", "where id in ($1, $2, $3)")]
    public void A_name_becomes_a_number_and_keeps_it(string sql, string positional) => Assert.Equal(positional, Text(sql));

    [Theory]
    [InlineData("select 'ann@a.example', @a", "select 'ann@a.example', $1")]
    [InlineData("select 'it''s @b', '', @a, '@b'", "select 'it''s @b', '', $1, '@b'")]
    [InlineData(@"select 'c:\', @a, '@b'", @"select 'c:\', $1, '@b'")]
    [InlineData(@"select E'it\'s @b', @a", @"select E'it\'s @b', $1")]
    [InlineData("""select "user@b", "a""@b", @a""", """select "user@b", "a""@b", $1""")]
    [InlineData("select @a -- not @b, nor it's\n, @a", "select $1 -- not @b, nor it's\n, $1")]
    [InlineData("select /* not @b, nor it's\n * / */ @a", "select /* not @b, nor it's\n * / */ $1")]
    [InlineData("select $$ it's @b $$, @a", "select $$ it's @b $$, $1")]
    [InlineData(@"select like'\', @a, 'b' from a$$b where b$$=@b", @"select like'\', $1, 'b' from a$$b where b$$=$2")]
    [InlineData("""events = '["*"]' or replace(events, @a, '') <> events""", """events = '["*"]' or replace(events, $1, '') <> events""")]
    public void What_is_quoted_or_a_comment_names_nothing(string sql, string positional) => Assert.Equal(positional, Text(sql));

    [Theory]
    [InlineData("""where data @> '{"b":1}' and data <@ @a""", """where data @> '{"b":1}' and data <@ $1""")]
    [InlineData("where data @? '$.b' and data @@ '$.b' and words @@b and data ? 'b' and x = @a", "where data @? '$.b' and data @@ '$.b' and words @@b and data ? 'b' and x = $1")]
    [InlineData("select @ -5, data->'b', data #>> '{b}', a - @a / 2", "select @ -5, data->'b', data #>> '{b}', a - $1 / 2")]
    public void An_operator_stays(string sql, string positional) => Assert.Equal(positional, Text(sql));

    [Fact]
    public void Values_go_in_the_order_of_the_text_whichever_order_they_come_in()
    {
        const string Sql = "update t set a = @a, b = @b where a = @a and c = @c";
        object[] values = [1, DBNull.Value, "x"];
        Assert.Equal(values, PositionalSql.Of(new Statement(Sql, ("a", 1), ("b", null), ("c", "x"))).Values);
        Assert.Equal(values, PositionalSql.Of(new Statement(Sql, ("c", "x"), ("unused", 7), ("b", null), ("a", 1))).Values);
    }

    [Fact]
    public void An_argument_that_is_missing_is_named() =>
        Assert.Contains("@b", Assert.Throws<ArgumentException>(() => PositionalSql.Of(new Statement("select @a, @b", ("a", 1)))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_text_without_arguments_is_left_as_it_is() => Assert.Equal("select @ -5, @a", PositionalSql.Of(new Statement("select @ -5, @a")).Text);

    [Fact]
    public void More_texts_than_are_kept_are_all_rewritten()
    {
        for (var text = 0; text < 3000; text++)
            Assert.Equal($"select {text}, $1", PositionalSql.Of(new Statement($"select {text}, @a", ("a", 1))).Text);
    }

    private static string Text(string sql) =>
        PositionalSql.Of(new Statement(sql, ("a", 1), ("b", 2), ("m1", 3), ("m10", 4), ("m_1", 5))).Text;
}
