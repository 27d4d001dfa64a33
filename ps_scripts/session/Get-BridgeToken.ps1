<#
.SYNOPSIS
Fetches an access token for Exchange Online from here, with the application's secret.
.DESCRIPTION
Asks Entra ID by the client credentials grant. A redirect is not followed, so the secret goes nowhere else. The token
is given back as a SecureString; nothing of it or of the secret is kept here or written to a stream. To an authority
without TLS, unless it is on this machine, nothing is sent.
.PARAMETER Authority
Where Entra ID issues tokens, such as https://login.microsoftonline.com.
.PARAMETER Tenant
The directory: its id or one of its domains.
.PARAMETER AppId
Application (client) id.
.PARAMETER ClientSecret
The application's client secret.
.EXAMPLE
./Get-BridgeToken.ps1 -Authority https://login.microsoftonline.com -Tenant $tenant -AppId $id -ClientSecret $secret
.OUTPUTS
One object: AccessToken (SecureString).
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Authority,
    [Parameter(Mandatory)] [string] $Tenant,
    [Parameter(Mandatory)] [string] $AppId,
    [Parameter(Mandatory)] [securestring] $ClientSecret
)

$ErrorActionPreference = 'Stop'
if ($Authority -notmatch '^(https://[^/]|http://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/|\z))') {
    Write-Error -ErrorId 'Bridge.AuthorityInClear' -Category InvalidArgument -TargetObject $Authority -ErrorAction Stop `
        -Message "The secret is not sent to ${Authority}: it is no address that begins with https://."
}
if ($PSVersionTable.PSEdition -ne 'Core') {
    # Windows PowerShell loads this assembly when asked, and on an older system it does not offer TLS 1.2 by itself.
    Add-Type -AssemblyName System.Net.Http
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
}
$secret = [Net.NetworkCredential]::new('', $ClientSecret).Password
$form = [Collections.Generic.Dictionary[string, string]]::new()
$form['grant_type'] = 'client_credentials'
$form['client_id'] = $AppId
$form['client_secret'] = $secret
$form['scope'] = 'https://outlook.office365.com/.default'
$handler = [Net.Http.HttpClientHandler]::new()
$handler.AllowAutoRedirect = $false
$handler.UseProxy = $Authority -notlike 'http:*'
$client = [Net.Http.HttpClient]::new($handler)
$client.Timeout = [timespan]::FromSeconds(30)
$status, $answer = 0, $null
Write-Verbose "Asking $Authority for a token for the application '$AppId'."
try {
    $address = "$($Authority.TrimEnd('/'))/$([uri]::EscapeDataString($Tenant))/oauth2/v2.0/token"
    $response = $client.PostAsync($address, [Net.Http.FormUrlEncodedContent]::new($form)).GetAwaiter().GetResult()
    $status = [int] $response.StatusCode
    $answer = ConvertFrom-Json -InputObject $response.Content.ReadAsStringAsync().GetAwaiter().GetResult() -ErrorAction Stop
}
catch { $answer = $null }
finally { $client.Dispose() }

if ($status -eq 200 -and "$($answer.access_token)" -match '^[!-~]+$') {
    return [pscustomobject]@{ AccessToken = [Net.NetworkCredential]::new('', $answer.access_token).SecurePassword }
}
if (400, 401, 403 -contains $status -and "$($answer.error_description)" -match 'AADSTS\d+') {
    $code = $Matches[0]
    $reason = ("$($answer.error_description)" -split '\s*Trace ID:|\r|\n')[0].Replace($secret, '********')
    Write-Error -ErrorId 'Bridge.TokenRefused' -Category AuthenticationError -TargetObject $code -ErrorAction Stop `
        -Message "Entra ID refused the log-on by app secret: $reason"
}
$said = $(if ($status -eq 200) { 'answered, but not as Entra ID does' } elseif ($status) { "answered with the HTTP status $status" } else { 'did not answer' })
Write-Error -ErrorId 'Bridge.EntraUnreachable' -Category ConnectionError -TargetObject $Authority -ErrorAction Stop `
    -Message "$Authority $said to the agent."
