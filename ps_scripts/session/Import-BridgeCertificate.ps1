<#
.SYNOPSIS
Keeps a certificate in this runspace for the log-on to Exchange Online that follows.
.DESCRIPTION
It is either a PFX file on this computer, which the module reads by itself, or the content of one, which is opened
here. Connect-Bridge.ps1 with -ImportedCertificate uses it, once. The private key of a content stays in memory where
this is possible (from version 4.7.2 of .NET Framework on); else it is in the account's key store while it is used.
.PARAMETER FilePath
Path of a PFX file on this computer.
.PARAMETER Pfx
The content of a PFX file, as base64.
.PARAMETER Password
The password of the file or the content; left out where it has none.
.EXAMPLE
./Import-BridgeCertificate.ps1 -FilePath C:\certificates\exo-bridge.pfx -Password $password
.OUTPUTS
One object: Source (file or content), and of a content's certificate Thumbprint and Expires.
#>
[CmdletBinding()]
param(
    [string] $FilePath,
    [securestring] $Pfx,
    [securestring] $Password
)

function Open-Pfx([byte[]] $Bytes, [securestring] $Password) {
    $flags = [Security.Cryptography.X509Certificates.X509KeyStorageFlags]
    foreach ($name in 'EphemeralKeySet', 'DefaultKeySet') {
        if ([Enum]::GetNames($flags) -notcontains $name) { continue }
        try { return [Security.Cryptography.X509Certificates.X509Certificate2]::new($Bytes, $Password, $flags::$name) }
        catch { if ($_.Exception.GetBaseException() -isnot [PlatformNotSupportedException]) { throw } }
    }
}

$ErrorActionPreference = 'Stop'
if ($FilePath) {
    $global:ExoBridgeCertificate = @{ CertificateFilePath = $FilePath }
    if ($Password) { $global:ExoBridgeCertificate.CertificatePassword = $Password }
    return [pscustomobject]@{ Source = 'file'; Thumbprint = ''; Expires = '' }
}
Write-Verbose 'Opening the certificate that was sent.'
if (-not $Password) { $Password = [securestring]::new() }
$certificate = $null
try { $certificate = Open-Pfx ([Convert]::FromBase64String([Net.NetworkCredential]::new('', $Pfx).Password)) $Password }
catch { $certificate = $null }
if ($null -eq $certificate) {
    Write-Error -ErrorId 'Bridge.PfxNotOpened' -Category SecurityError -TargetObject 'Pfx' -ErrorAction Stop `
        -Message 'The certificate that was sent cannot be opened: its password is wrong, or it is no PFX.'
}
if (-not $certificate.HasPrivateKey) {
    Write-Error -ErrorId 'Bridge.NoPrivateKey' -Category InvalidData -TargetObject $certificate.Thumbprint -ErrorAction Stop `
        -Message "The certificate $($certificate.Thumbprint) has no private key with it."
}
$expires = $certificate.NotAfter.ToUniversalTime().ToString('s') + 'Z'
if ($certificate.NotAfter -lt [datetime]::Now) {
    Write-Error -ErrorId 'Bridge.CertificateExpired' -Category InvalidData -TargetObject $certificate.Thumbprint -ErrorAction Stop `
        -Message "The certificate $($certificate.Thumbprint) ended at $expires."
}
$global:ExoBridgeCertificate = @{ Certificate = $certificate }
[pscustomobject]@{ Source = 'content'; Thumbprint = $certificate.Thumbprint; Expires = $expires }
