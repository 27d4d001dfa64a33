<#
.SYNOPSIS
Tells what the agent's PowerShell is like: what can be seen of it before Exchange is connected.
.DESCRIPTION
Works without the module and without a connection. In a constrained language mode nothing but that mode and the version
can be told. The temporary folder is tried with a file that is removed at once; nothing else is changed.
A key is tried by signing one byte with it, because a key that is there may still not be readable for this account.
.PARAMETER Thumbprint
Thumbprint of the certificate to look for in the stores of this account and this computer.
.PARAMETER File
Path of a PFX file on this computer that this account should be able to read.
.EXAMPLE
./Get-BridgeAgent.ps1 -Thumbprint 3F1C0A9E5B7D24688ACE13579BDF02468ACE1357
.OUTPUTS
One object: PowerShellVersion, PowerShellEdition, LanguageMode; Account, Clock (UTC, ISO 8601), TempFolder, TempError
(empty when it can be written), Litter (folders of the module older than a day), Module (the installed versions, the
newest first), Certificate (the store that has it), CertificateExpires, KeyError (empty when the key can be used),
KeyProvider, FileError.
#>
[CmdletBinding()]
param(
    [string] $Thumbprint,
    [string] $File
)

$ErrorActionPreference = 'Stop'
$mode = "$($ExecutionContext.SessionState.LanguageMode)"
if ($mode -ne 'FullLanguage') {
    # There no object can be made of a hashtable either.
    return $mode | Select-Object -Property @{ n = 'PowerShellVersion'; e = { "$($PSVersionTable.PSVersion)" } },
    @{ n = 'PowerShellEdition'; e = { "$($PSVersionTable.PSEdition)" } }, @{ n = 'LanguageMode'; e = { "$_" } }
}
Write-Verbose 'Trying the temporary folder.'
$temp, $tempError, $litter = [IO.Path]::GetTempPath(), '', @()
try {
    [IO.FileStream]::new([IO.Path]::Combine($temp, "exo-bridge-$([guid]::NewGuid()).tmp"), 'CreateNew', 'Write', 'None', 4096, 'DeleteOnClose').Dispose()
    $litter = @([IO.Directory]::GetDirectories($temp, 'tmpEXO_*') | Where-Object { [IO.Directory]::GetLastWriteTimeUtc($_) -lt [datetime]::UtcNow.AddDays(-1) })
}
catch { $tempError = $_.Exception.GetBaseException().GetType().Name }

Write-Verbose 'Looking for the installed versions of the module ExchangeOnlineManagement.'
$modules = @(Get-Module -Name ExchangeOnlineManagement -ListAvailable -Verbose:$false -ErrorAction Ignore | Sort-Object -Property Version -Descending)

$store, $expires, $keyError, $provider, $fileError = '', '', '', '', ''
if ($Thumbprint) {
    Write-Verbose "Looking for the certificate $Thumbprint."
    $certificate = $null
    foreach ($place in 'CurrentUser', 'LocalMachine') {
        if ($null -ne $certificate) { break }
        $my = [Security.Cryptography.X509Certificates.X509Store]::new('My', $place)
        try {
            $my.Open('ReadOnly, OpenExistingOnly')
            $certificate = $my.Certificates.Find('FindByThumbprint', $Thumbprint, $false) | Select-Object -First 1
            if ($null -ne $certificate) { $store = "$place\My" }
        }
        catch { Write-Verbose "The store $place\My cannot be read." }
        finally { $my.Close() }
    }
    if ($null -ne $certificate) {
        $expires = $certificate.NotAfter.ToUniversalTime().ToString('s') + 'Z'
        try {
            # In Windows PowerShell this is there for a CSP's key alone, and the other way may hide that it is one.
            $key = $certificate.PrivateKey
            if ($null -eq $key) { $key = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($certificate) }
            # SHA-1, because the oldest of the CSPs know no other; nothing is proved by this signature.
            if ($null -eq $key) { $keyError = 'no private key' }
            else { $null = $key.SignData([byte[]] @(1), [Security.Cryptography.HashAlgorithmName]::SHA1, [Security.Cryptography.RSASignaturePadding]::Pkcs1) }
            if ($key.CspKeyContainerInfo) { $provider = "CSP: $($key.CspKeyContainerInfo.ProviderName)" }
            elseif ($key.Key.Provider) { $provider = "CNG: $($key.Key.Provider.Provider)" }
        }
        catch { $keyError = $_.Exception.GetBaseException().GetType().Name }
    }
}
if ($File) {
    Write-Verbose "Opening the file '$File'."
    try { [IO.File]::OpenRead($File).Dispose() } catch { $fileError = $_.Exception.GetBaseException().GetType().Name }
}
[pscustomobject]@{
    PowerShellVersion = "$($PSVersionTable.PSVersion)"; PowerShellEdition = "$($PSVersionTable.PSEdition)"; LanguageMode = $mode
    Account = [Environment]::UserDomainName + '\' + [Environment]::UserName
    Clock = [datetime]::UtcNow.ToString('o')
    TempFolder = $temp; TempError = $tempError; Litter = $litter.Count
    Module = @($modules | ForEach-Object { "$($_.Version)" })
    Certificate = $store; CertificateExpires = $expires; KeyError = $keyError; KeyProvider = $provider
    FileError = $fileError
}
