<#
.SYNOPSIS
Gives an application exactly the Exchange cmdlets that exo-bridge uses, by a role group of its own.
.DESCRIPTION
Run it in a session that Connect-ExchangeOnline has opened for a member of Organization Management. It makes a custom
role of each built-in role that is needed, with the needed cmdlets and no other, a role group that has these roles, and
the application's service principal as its member. It looks before it changes anything, so that a second run changes
nothing, and a run after an update of exo-bridge changes what is different. Where it stopped, the next run goes on.
What the application may do counts from its next connection on; Exchange can take an hour until it knows.
.PARAMETER AppId
Application (client) id of the app registration.
.PARAMETER ObjectId
Object id of its enterprise application (not of the app registration).
.PARAMETER Name
Name of the role group, and the beginning of the names of its roles.
.EXAMPLE
./New-BridgeRoleGroup.ps1 -AppId 71487acd-ec93-476d-bd0e-6c8b31831053 -ObjectId 6233fba6-0198-4277-892f-9275bf728bcc -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory)] [guid] $AppId,
    [Parameter(Mandatory)] [guid] $ObjectId,
    [ValidateLength(1, 25)] [string] $Name = 'exo-bridge'
)
$ErrorActionPreference = 'Stop'
# Which cmdlets come from which built-in role.
$needed = [ordered]@{
#<needed>
}
function Write-Step([string] $What, [string] $Which, [bool] $Changed) {
    [pscustomobject]@{ Status = $(if ($Changed) { 'changed' } else { 'unchanged' }); What = $What; Name = $Which }
}
function Read-Entry([string] $Role) {
    Write-Verbose "Reading the entries of the role '$Role'."
    @(Get-ManagementRoleEntry -Identity "$Role\*" -ResultSize Unlimited -ErrorAction Stop | ForEach-Object { "$($_.Name)" })
}
foreach ($parent in $needed.Keys) {
    $held = Read-Entry $parent
    $missing = @($needed[$parent] | Where-Object { $held -notcontains $_ })
    if ($missing) {
        Write-Error -ErrorId 'Bridge.RoleDiffers' -Category InvalidData -TargetObject $parent -ErrorAction Stop `
            -Message "The role '$parent' of this organization does not hold $($missing -join ', '). Nothing was changed."
    }
}
Write-Verbose 'Reading the service principals.'
$principal = @(Get-ServicePrincipal -ErrorAction Stop | Where-Object { "$($_.AppId)" -eq "$AppId" })[0]
if ($null -ne $principal -and "$($principal.ObjectId)" -ne "$ObjectId") {
    Write-Error -ErrorId 'Bridge.ObjectIdDiffers' -Category InvalidArgument -TargetObject $ObjectId -ErrorAction Stop `
        -Message "Exchange knows the application $AppId by the object id $($principal.ObjectId); $ObjectId was given."
}
Write-Verbose 'Reading the roles.'
$roles = @(Get-ManagementRole -ErrorAction Stop | ForEach-Object { "$($_.Name)" })
foreach ($parent in $needed.Keys) {
    $role, $wanted, $changed = "$Name $parent", @($needed[$parent]), $false
    if ($roles -notcontains $role) {
        $changed = $true
        if (-not $PSCmdlet.ShouldProcess($role, "make the role from '$parent' with $($wanted.Count) cmdlets")) { continue }
        Write-Verbose "Making the role '$role'."
        $null = New-ManagementRole -Name $role -Parent $parent -EnabledCmdlets $wanted -Confirm:$false -ErrorAction Stop
    }
    $held = Read-Entry $role
    foreach ($cmdlet in @($held | Where-Object { $wanted -notcontains $_ })) {
        $changed = $true
        if (-not $PSCmdlet.ShouldProcess("$role\$cmdlet", 'remove the entry')) { continue }
        Write-Verbose "Removing the entry '$role\$cmdlet'."
        Remove-ManagementRoleEntry -Identity "$role\$cmdlet" -Confirm:$false -ErrorAction Stop
    }
    foreach ($cmdlet in @($wanted | Where-Object { $held -notcontains $_ })) {
        $changed = $true
        if (-not $PSCmdlet.ShouldProcess("$role\$cmdlet", 'add the entry')) { continue }
        Write-Verbose "Adding the entry '$role\$cmdlet'."
        $null = Add-ManagementRoleEntry -Identity "$role\$cmdlet" -Confirm:$false -ErrorAction Stop
    }
    Write-Step 'role' $role $changed
}
Write-Verbose 'Reading the role groups.'
$group = @(Get-RoleGroup -ResultSize Unlimited -ErrorAction Stop | Where-Object { "$($_.Name)" -eq $Name })[0]
$wanted, $changed = @($needed.Keys | ForEach-Object { "$Name $_" }), $false
if ($null -eq $group) {
    $changed = $true
    if ($PSCmdlet.ShouldProcess($Name, "make the role group with the roles $($wanted -join ', ')")) {
        Write-Verbose "Making the role group '$Name'."
        $group = New-RoleGroup -Name $Name -Roles $wanted -Confirm:$false -ErrorAction Stop
    }
}
else {
    # A role can be written with its path.
    $held = @($group.Roles | ForEach-Object { "$_" -replace '^.*[/\\]' })
    foreach ($role in @($wanted | Where-Object { $held -notcontains $_ })) {
        $changed = $true
        if (-not $PSCmdlet.ShouldProcess($Name, "give the role group the role '$role'")) { continue }
        Write-Verbose "Giving the role '$role' to the role group '$Name'."
        $null = New-ManagementRoleAssignment -SecurityGroup $Name -Role $role -Confirm:$false -ErrorAction Stop
    }
    $others = @($held | Where-Object { $wanted -notcontains $_ })
    if ($others) { Write-Warning "The role group '$Name' has roles that exo-bridge does not need: $($others -join ', ')." }
}
Write-Step 'role group' $Name $changed
$changed = $null -eq $principal
if ($changed -and $PSCmdlet.ShouldProcess("$AppId", 'register the application with Exchange')) {
    Write-Verbose "Registering the application '$AppId'."
    $principal = New-ServicePrincipal -AppId "$AppId" -ObjectId "$ObjectId" -DisplayName $Name -Confirm:$false -ErrorAction Stop
}
Write-Step 'service principal' "$AppId" $changed
if ($null -eq $group -or $null -eq $principal) { return }
Write-Verbose "Reading the members of the role group '$Name'."
$ids = @(Get-RoleGroupMember -Identity $Name -ResultSize Unlimited -ErrorAction Stop |
        ForEach-Object { "$($_.Name)", "$($_.Guid)", "$($_.ExternalDirectoryObjectId)" } | Where-Object { $_ })
$changed = @("$ObjectId", "$($principal.Guid)", "$($principal.Name)" | Where-Object { $ids -contains $_ }).Count -eq 0
if ($changed -and $PSCmdlet.ShouldProcess($Name, "add the application $AppId")) {
    Write-Verbose "Adding the application '$AppId' to the role group '$Name'."
    try { Add-RoleGroupMember -Identity $Name -Member "$($principal.Identity)" -Confirm:$false -ErrorAction Stop }
    catch {
        $type = "$($_.CategoryInfo.Reason) $(($_.Exception.Message -split '\|')[1])"
        if ($type -notmatch '\bMemberAlreadyExistsException\b') { throw }
        $changed = $false
    }
}
Write-Step 'member' "$AppId" $changed
