"""The errors of Exchange and of PowerShell's binder, one function each, named after the situation.

Types, stringIds and sentences are those of the error catalogue collected from Microsoft's documentation and observed
records. The sentences are for people: whoever tells errors apart must do it by type.
"""

from __future__ import annotations

from bridge.simulator.tenant.records import CmdletError

DOMAIN_CONTROLLER = "AM0PR01A001DC01.EURPR01A001.PROD.OUTLOOK.COM"

_CONFIGURATION = "Microsoft.Exchange.Configuration.Tasks."
_TASKS = "Microsoft.Exchange.Management.Tasks."
_AUTOMATION = "System.Management.Automation."


def exchange_error(string_id: str, exception_type: str, text: str) -> CmdletError:
    """An error that came back from Exchange: written with Write-Error, so it does not end the statement."""
    return CmdletError(
        f"{string_id}|{exception_type}|{text}",
        reason=exception_type.rpartition(".")[2],
        exception_type=exception_type,
    )


def not_found(identity: str) -> CmdletError:
    """The object named by -Identity is not there."""
    return exchange_error(
        "Ex6F9304",
        f"{_CONFIGURATION}ManagementObjectNotFoundException",
        f"The operation couldn't be performed because object '{identity}' couldn't be found on '{DOMAIN_CONTROLLER}'.",
    )


def reference_not_found(identity: str) -> CmdletError:
    """A member, trustee or list value is not there."""
    return exchange_error(
        "Ex94914C",
        f"{_CONFIGURATION}ManagementObjectNotFoundException",
        f'Couldn\'t find object "{identity}". Please make sure that it was spelled correctly or specify a different '
        "object.",
    )


def principal_not_found(identity: str) -> CmdletError:
    """The user or group that gets or loses a right is not there. The stringId of this sentence is not known."""
    return exchange_error(
        "",
        f"{_CONFIGURATION}ManagementObjectNotFoundException",
        f"User or group \"{identity}\" wasn't found. Please make sure you've typed the user or group correctly.",
    )


def ambiguous(identity: str) -> CmdletError:
    """The identity fits several objects."""
    return exchange_error(
        "Ex9E65A2",
        f"{_CONFIGURATION}ManagementObjectAmbiguousException",
        f"The operation couldn't be performed because '{identity}' matches multiple entries.",
    )


def already_member(member: str, group: str) -> CmdletError:
    """Add-DistributionGroupMember of somebody who is in the group."""
    return exchange_error(
        "",
        f"{_TASKS}MemberAlreadyExistsException",
        f'The recipient "{member}" is already a member of the group "{group}".',
    )


def not_a_member(member: str, group: str) -> CmdletError:
    """Remove-DistributionGroupMember of somebody who is not in the group."""
    return exchange_error(
        "",
        f"{_TASKS}MemberNotFoundException",
        f'The recipient "{member}" isn\'t a member of the group "{group}".',
    )


def manager_required() -> CmdletError:
    """The caller does not manage the group and did not pass -BypassSecurityGroupManagerCheck."""
    return exchange_error(
        "",
        f"{_CONFIGURATION}OperationRequiresGroupManagerException",
        "You don't have sufficient permissions. This operation can only be performed by a manager of the group.",
    )


def synchronized(cmdlet: str, what: str, identity: str) -> CmdletError:
    """The object's home is the on-premises directory. Source: Microsoft support, cannot-manage-dg.

    Only the sentence is documented; the type is the general one of a refused operation.
    """
    return exchange_error(
        "",
        "System.InvalidOperationException",
        f"The operation on \"{identity}\" failed because it's out of the current user's write scope. "
        f"The action '{cmdlet}', '{what}', can't be performed on the object '{identity}' because the object is being "
        "synchronized from your on-premises organization. This action should be performed on the object in your "
        "on-premises organization.",
    )


def invalid_value(text: str) -> CmdletError:
    """A value that the server refuses after the call has reached it (a date format, a filter, a size)."""
    return exchange_error("", "Microsoft.Exchange.Data.DataValidationException", text)


def invalid_filter(text: str) -> CmdletError:
    """An OPATH filter that does not parse or names a property that cannot be filtered on."""
    return exchange_error("", "Microsoft.Exchange.Data.Directory.ParsingException", text)


def culture_not_supported(value: str) -> CmdletError:
    """-Language that is not a culture."""
    return exchange_error(
        "",
        "System.Globalization.CultureNotFoundException",
        f"Culture is not supported. (Parameter 'name') {value} is an invalid culture identifier.",
    )


def task_error(text: str) -> CmdletError:
    """An operation that is refused for what the object is."""
    return exchange_error("", f"{_CONFIGURATION}RecipientTaskException", text)


def address_exists(address: str, owner: str) -> CmdletError:
    """A proxy address that another recipient has. Of the type only the short name is known."""
    return exchange_error(
        "",
        "Microsoft.Exchange.Management.RecipientTasks.ProxyAddressExistsException",
        f'The proxy address "{address}" is already being used by the proxy addresses or LegacyExchangeDN of "{owner}". '
        "Please choose another proxy address.",
    )


def name_exists(name: str) -> CmdletError:
    """A new object with the name of another. The stringId of this sentence is not known."""
    return exchange_error(
        "",
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        f'The name "{name}" is already being used. Please try another name.',
    )


def not_accepted_domain(domain: str) -> CmdletError:
    """An SMTP address in a domain that is not the organization's. Of the type only the short name is known."""
    return exchange_error(
        "",
        "Microsoft.Exchange.Configuration.Tasks.NotAcceptedDomainException",
        f"You can't use the domain {domain} because it's not an accepted domain for your organization.",
    )


def store_error(name: str, text: str) -> CmdletError:
    """What the cmdlets for folders raise; ``name`` is the short name of the type."""
    return exchange_error("", f"Microsoft.Exchange.Management.StoreTasks.{name}", text)


def throttled() -> CmdletError:
    """Throttled after the module's own retries."""
    return exchange_error(
        "",
        "Microsoft.Exchange.Data.Directory.OverBudgetException",
        "Maximum retry count reached. The budget for this organization is exceeded. Please try again later.",
    )


def command_not_found(cmdlet: str) -> CmdletError:
    """The cmdlet is not imported: not in -CommandName, not granted, or there is no connection."""
    return _automation_error(
        f"The term '{cmdlet}' is not recognized as a name of a cmdlet, function, script file, or executable program.\n"
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        "CommandNotFoundException",
        "CommandNotFoundException",
        "ObjectNotFound",
        "",
        target=cmdlet,
    )


def parameter_not_found(cmdlet: str, parameter: str) -> CmdletError:
    """The cmdlet has no such parameter, or the caller's roles do not grant it."""
    return _automation_error(
        f"A parameter cannot be found that matches parameter name '{parameter}'.",
        "ParameterBindingException",
        f"NamedParameterNotFound,{cmdlet}",
        "InvalidArgument",
        cmdlet,
    )


def parameter_missing(cmdlet: str, parameters: str) -> CmdletError:
    """A mandatory parameter was left out, and nobody can be asked for it."""
    return _automation_error(
        f"Cannot process command because of one or more missing mandatory parameters: {parameters}.",
        "ParameterBindingException",
        f"MissingMandatoryParameter,{cmdlet}",
        "InvalidArgument",
        cmdlet,
    )


def parameter_empty(cmdlet: str, parameter: str) -> CmdletError:
    """A mandatory parameter is null or an empty string."""
    return _automation_error(
        f"Cannot bind argument to parameter '{parameter}' because it is an empty string.",
        "ParameterBindingValidationException",
        f"ParameterArgumentValidationErrorEmptyStringNotAllowed,{cmdlet}",
        "InvalidData",
        cmdlet,
    )


def parameter_type(cmdlet: str, parameter: str, value: object, type_name: str) -> CmdletError:
    """A value that PowerShell cannot convert to the parameter's type."""
    return _automation_error(
        f"Cannot process argument transformation on parameter '{parameter}'. "
        f'Cannot convert value "{value}" to type "{type_name}".',
        "ParameterBindingArgumentTransformationException",
        f"ParameterArgumentTransformationError,{cmdlet}",
        "InvalidData",
        cmdlet,
    )


def ambiguous_parameter_set(cmdlet: str) -> CmdletError:
    """Parameters that exclude each other."""
    return _automation_error(
        "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued cannot "
        "be used together or an insufficient number of parameters were provided.",
        "ParameterBindingException",
        f"AmbiguousParameterSet,{cmdlet}",
        "InvalidArgument",
        cmdlet,
    )


def not_connected(cmdlet: str) -> CmdletError:
    """A Get-EXO* cmdlet without a connection."""
    return _no_connection(cmdlet, "You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets.")


def unauthorized(cmdlet: str) -> CmdletError:
    """The access token has ended, or is not one of this organization. The module cannot renew a token given to it."""
    return _no_connection(cmdlet, "UnAuthorized")


def connection_lost(cmdlet: str) -> CmdletError:
    """A call on a connection that was disconnected."""
    return _no_connection(
        cmdlet,
        "Required resource is not available to continue execution. Please re-establish the connection to continue.",
    )


def _no_connection(cmdlet: str, text: str) -> CmdletError:
    """The module's own refusal: nothing reached Exchange."""
    return CmdletError(
        text,
        reason="UnauthorizedAccessException",
        exception_type="System.UnauthorizedAccessException",
        error_id=f"UnAuthorized,{cmdlet}",
        category="PermissionDenied",
        activity=cmdlet,
        terminating=True,
    )


def role_missing(cmdlet: str) -> CmdletError:
    """The roles do not grant a cmdlet that the module itself brings, so only Exchange can refuse it."""
    return exchange_error(
        "",
        "Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException",
        f"The cmdlet '{cmdlet}' isn't present in the role definition of the current user.",
    )


def not_simulated(cmdlet: str) -> CmdletError:
    """A real cmdlet that this simulator does not have."""
    return CmdletError(
        f"The simulator knows the parameters of {cmdlet} but does not have the cmdlet itself.",
        reason="NotSupportedException",
        exception_type="System.NotSupportedException",
        error_id=f"NotSimulated,{cmdlet}",
        category="NotImplemented",
        activity=cmdlet,
        terminating=True,
    )


def logon_refused(text: str, exception_type: str) -> CmdletError:
    """Entra ID or Exchange refused the log-on; Connect-ExchangeOnline throws the inner exception as it is.

    Source: observed MsalClientException records, ``OperationStopped: (:) []`` with the message as error id.
    """
    return CmdletError(
        text,
        reason=exception_type.rpartition(".")[2],
        exception_type=exception_type,
        error_id=text,
        category="OperationStopped",
        terminating=True,
    )


def _automation_error(
    message: str, reason: str, error_id: str, category: str, activity: str, *, target: str = ""
) -> CmdletError:
    return CmdletError(
        message,
        reason=reason,
        exception_type=f"{_AUTOMATION}{reason}",
        error_id=error_id,
        category=category,
        activity=activity,
        target=target,
        terminating=True,
    )
