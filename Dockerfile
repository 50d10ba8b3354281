# syntax=docker/dockerfile:1.7

# Restore sees only what decides it, so that a change of code does not repeat it. Locked: what was tested is what is shipped.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/MailApi.Mail/MailApi.Mail.csproj src/MailApi.Mail/packages.lock.json src/MailApi.Mail/
COPY src/MailApi/MailApi.csproj src/MailApi/packages.lock.json src/MailApi/
RUN dotnet restore src/MailApi/MailApi.csproj --locked-mode
COPY src/ src/
# Framework-dependent and portable: one layer of ours over the runtime's, for every processor. /data exists for its owner's sake.
RUN dotnet publish src/MailApi/MailApi.csproj --configuration Release --no-restore --output /app -p:UseAppHost=false \
    && mkdir /data

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble
COPY --from=build --chown=10001:10001 /data /data
COPY --from=build /app /app
WORKDIR /app

# The addresses say "every interface of this container"; who reaches them is the network's decision. ASPNETCORE_HTTP_PORTS is
# the base image's, and would contradict Urls.
ENV ASPNETCORE_HTTP_PORTS= \
    Urls=http://+:8080 \
    Management__Urls=http://+:8081 \
    DataDirectory=/data
VOLUME /data
EXPOSE 8080 8081

# A number, so that a cluster can see that it is not root's.
USER 10001:10001

# The image has bash and no HTTP client.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8081 && printf 'GET /health/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && test \"$status\" = 200"]

# Conversations past DATA are let finish: stop with docker stop --time 90, docker's own ten seconds cut them off.
ENTRYPOINT ["dotnet", "MailApi.dll"]
